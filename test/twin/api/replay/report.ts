/** Prints what differs: `node test/twin/api/replay/report.ts [FILE [ENTRY]]`. */
import { replayExchanges } from './replay.ts';
import { SCRIPTS } from './scripts.ts';

const [wanted, entry] = process.argv.slice(2);
for (const [file, script] of Object.entries(SCRIPTS)) {
  if (wanted !== undefined && wanted !== 'all' && wanted !== file) continue;
  const results = replayExchanges(file, script);
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
