/** A process that sets up kind 0.31.0 and says where it is, as JSON; its variables say how. */
import { execFileSync } from 'node:child_process';
import { setUpTools } from '../../../src/host/tools/set-up.ts';
import { WallClock } from '../../../src/time/wall-clock.ts';

const base = process.env.TEST_BASE_URL;
const { paths, notes } = await setUpTools(
  { kind: { version: '0.31.0' } },
  {
    clock: new WallClock(),
    signal: new AbortController().signal,
    log: (line) => console.error(line),
    ...(base === undefined ? {} : { downloadBaseUrl: base }),
  },
);
const file = paths.get('kind')!;
console.log(JSON.stringify({ file, notes, says: execFileSync(file, ['version'], { encoding: 'utf8' }) }));
