/**
 * Does units of soak work, one line of JSON before each and one after it. The soak starts one such process a core; by hand
 * it does one unit again:
 *
 * node scripts/soak/work.ts KIND SEED
 * node scripts/soak/work.ts --from SEED --step N --minutes N [--only KIND]
 */
import { parseArgs } from 'node:util';
import { randomStream } from '../../src/time/random.ts';
import { type Done, KINDS, type Kind } from './kinds.ts';

/** A line of output: a unit begins, or (with `problems`) it is over. */
export interface Line extends Partial<Done> {
  readonly kind: string;
  readonly seed: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    from: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});

const tell = (line: Line): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function kindNamed(name: string): Kind {
  const kind = KINDS.find((candidate) => candidate.name === name);
  if (kind === undefined) throw new Error(`there is no kind ${name}: ${KINDS.map((one) => one.name).join(', ')}`);
  return kind;
}

/** Which kind a seed is spent on. */
function drawKind(seed: number): Kind {
  const all = KINDS.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
  return randomStream(seed, 'soak').pick(all);
}

async function unit(kind: Kind, seed: number): Promise<boolean> {
  tell({ kind: kind.name, seed });
  let done: Done;
  try {
    done = await kind.run(seed);
  } catch (error) {
    done = { what: '', problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  }
  tell({ kind: kind.name, seed, ...done });
  return done.problems.length === 0;
}

const [name, seed] = positionals;
if (name !== undefined) {
  if (!(await unit(kindNamed(name), Number(seed ?? 1)))) process.exitCode = 1;
} else {
  const only = values.only === undefined ? undefined : kindNamed(values.only);
  const until = performance.now() + Number(values.minutes) * 60_000;
  for (let next = Number(values.from); performance.now() < until; next += Number(values.step)) {
    await unit(only ?? drawKind(next), next);
  }
}
