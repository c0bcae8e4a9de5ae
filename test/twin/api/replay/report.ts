/** Prints what differs: `node test/twin/api/replay/report.ts [FILE [ENTRY]]`. */
import { replaySessions } from './kubectl.ts';
import { KUBECTL_SCRIPTS } from './kubectl-scripts.ts';
import { type Result, replayExchanges } from './replay.ts';
import { SCRIPTS } from './scripts.ts';

const [wanted, entry] = process.argv.slice(2);
const runs: [string, () => Result[]][] = [
  ...Object.entries(SCRIPTS).map(([file, script]): [string, () => Result[]] => [
    file,
    () => replayExchanges(file, script),
  ]),
  ...Object.entries(KUBECTL_SCRIPTS).map(([file, script]): [string, () => Result[]] => [
    file,
    () => replaySessions(file, script),
  ]),
];
for (const [file, run] of runs) {
  if (wanted !== undefined && wanted !== 'all' && wanted !== file) continue;
  const results = run();
  const different = results.filter(({ differences }) => differences.length > 0);
  if (wanted !== undefined && wanted !== 'all') {
    for (const { name, differences } of different) {
      if (entry !== undefined && entry !== name) continue;
      console.log(`\n${name}`);
      for (const { path, recorded, own } of differences.slice(0, entry === undefined ? 6 : 100)) {
        const text = (value: unknown): string =>
          (JSON.stringify(value) ?? 'absent').slice(0, entry === undefined ? 260 : 3_000);
        console.log(`  ${path}\n    recorded ${text(recorded)}\n    own      ${text(own)}`);
      }
    }
  }
  console.log(
    `${file}: ${results.length - different.length} equal, ${different.length} different of ${results.length}`,
  );
}
