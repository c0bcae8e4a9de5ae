/**
 * Wall time and peak memory of whole rehearsals, as a user starts them: `npm run bench -- [--runs 3] [SCENARIO...]`.
 * Nothing is asserted: a machine under load is slower, and a test that asserts a time is sometimes red.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '3' } },
  allowPositionals: true,
});
const scenarios = positionals.length > 0 ? positionals : ['minimal', 'lab', 'ha', 'reboot'];
const start = path.join(import.meta.dirname, '../src/cli/start.ts');
const memory = path.join(import.meta.dirname, 'peak-memory.ts');
const directory = mkdtempSync(path.join(tmpdir(), 'bench-'));

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

try {
  console.log('scenario   wall s (min / median / max)   peak MiB   virtual s');
  for (const scenario of scenarios) {
    const walls: number[] = [];
    const peaks: number[] = [];
    let virtual = 0;
    for (let run = 0; run < Number(values.runs); run++) {
      const report = path.join(directory, 'report');
      const peak = path.join(directory, 'peak');
      const from = performance.now();
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--import', memory, start, 'run', scenario, '--quiet', '--report', report],
        { env: { ...process.env, PEAK_MEMORY_FILE: peak }, encoding: 'utf8' },
      );
      walls.push((performance.now() - from) / 1_000);
      if (status !== 0) throw new Error(`${scenario} ended with ${status}: ${stderr}`);
      peaks.push(Number(readFileSync(peak, 'utf8')) / 1_024);
      const json = JSON.parse(readFileSync(path.join(report, 'report.json'), 'utf8')) as { durationSeconds: number };
      virtual = json.durationSeconds;
    }
    const wall = [Math.min(...walls), median(walls), Math.max(...walls)].map((value) => value.toFixed(2)).join(' / ');
    console.log(
      `${scenario.padEnd(10)} ${wall.padEnd(29)} ${Math.max(...peaks)
        .toFixed(0)
        .padStart(8)}   ${virtual.toFixed(0).padStart(9)}`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
