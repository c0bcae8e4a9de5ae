/** A whole rehearsal on the twin, as tests, the soak and the benchmark run it: the bytes of its events, nothing on disk. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Event } from '../../src/events/events.ts';
import { createEventStream } from '../../src/events/stream.ts';
import type { PlannedFault } from '../../src/faults/parse.ts';
import { createTwinProvider, type TwinProvider, type TwinProviderOptions } from '../../src/provider/twin.ts';
import { runRehearsal, type VerdictEvent } from '../../src/rehearsal/run.ts';
import { readScenario } from '../../src/scenario/read.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';

const SCENARIOS = path.resolve(import.meta.dirname, '../../scenarios');

/** One of the bundled scenarios, by name. */
export const bundledScenario = (name: string): Scenario => readScenario(path.join(SCENARIOS, `${name}.yaml`), name);

export interface RehearseOptions extends Partial<Omit<TwinProviderOptions, 'scenario' | 'seed'>> {
  readonly scenario: Scenario | string;
  readonly seed?: number;
  /** Checkpoint after which the run ends. */
  readonly until?: string;
  /** What is broken on purpose. */
  readonly faults?: readonly PlannedFault[];
  readonly keep?: 'never' | 'failed' | 'always';
  /** Looks at the cluster as the run has left it; called inside the run, before anything is deleted. */
  readonly look?: (provider: TwinProvider) => void | Promise<void>;
}

export interface Rehearsed {
  readonly verdict: VerdictEvent;
  /** events.ndjson, line by line. */
  readonly lines: readonly string[];
  /** SHA-256 of events.ndjson. */
  readonly digest: string;
  /** Milliseconds of virtual time. */
  readonly took: number;
}

/** Runs it to its verdict. @throws what the run throws beside its verdict (a bug) */
export async function rehearse(options: RehearseOptions): Promise<Rehearsed> {
  const { scenario: named, seed = 1, until = null, look, faults = [], keep, ...rest } = options;
  const scenario = typeof named === 'string' ? bundledScenario(named) : named;
  const provider = createTwinProvider({ scenario, seed, ...rest });
  const { clock } = provider;
  const start = clock.now();
  const lines: string[] = [];
  const stream = createEventStream({ now: () => clock.now(), sinks: [(_event, line) => lines.push(line)] });
  try {
    const verdict = await provider.run(async () => {
      const ended = await runRehearsal({
        scenario,
        seed,
        provider,
        until,
        faults,
        emit: stream.emit,
        keep: keep ?? (look === undefined ? 'never' : 'always'),
        tool: { name: 'cni-rehearsal', version: '0.0.0' },
        signal: new AbortController().signal,
      });
      await look?.(provider);
      return ended;
    });
    if (stream.troubles.length > 0) throw stream.troubles[0];
    return { verdict, lines, digest: digestOf(lines), took: clock.now() - start };
  } finally {
    await provider.close();
  }
}

/** SHA-256 of the lines as they stand in events.ndjson. */
export function digestOf(lines: readonly string[]): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line).update('\n');
  return hash.digest('hex');
}

/** The events of one type. */
export function eventsOf<T extends Event['type']>(run: Rehearsed, type: T): Extract<Event, { type: T }>[] {
  return run.lines
    .map((line) => JSON.parse(line) as Event)
    .filter((event): event is Extract<Event, { type: T }> => event.type === type);
}
