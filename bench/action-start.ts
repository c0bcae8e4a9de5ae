/**
 * How long the action's main takes until it has judged its inputs: `npm run bundle`, then `node bench/action-start.ts`. A wrong
 * input ends it there. Nothing is asserted (bench/README.md).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const RUNS = 15;
const directory = mkdtempSync(path.join(tmpdir(), 'bench-'));
try {
  for (const [entry, env] of [
    ['main', { INPUT_PROVIDER: 'twin', INPUT_UNTIL: 'nowhere' }],
    ['post', {}],
  ] as const) {
    const file = path.join(import.meta.dirname, `../dist/${entry}.mjs`);
    const times = Array.from({ length: RUNS }, () => {
      const from = performance.now();
      spawnSync(process.execPath, [file], { cwd: directory, env: { ...env, GITHUB_WORKSPACE: directory } });
      return performance.now() - from;
    }).sort((a, b) => a - b);
    const [least, median, most] = [times[0]!, times[RUNS >> 1]!, times.at(-1)!].map((ms) => ms.toFixed(0));
    console.log(`${entry}: ${least} / ${median} / ${most} ms (least / median / most of ${RUNS})`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
