/**
 * A rehearsal on the twin with one injected fault: made at its step or after its checkpoint through the same doors, while the
 * rehearsal's own calls wait, and held against what the fault says of such a run.
 */
import path from 'node:path';
import type { Event, EventBody } from '../../src/events/events.ts';
import type { Expectation, FaultArgs, FaultWorld, Heal, InjectedFault } from '../../src/faults/fault.ts';
import type { KubeApi } from '../../src/kube/api.ts';
import { createTwinProvider, type TwinProvider } from '../../src/provider/twin.ts';
import { Commands } from '../../src/rehearsal/commands.ts';
import { planFor } from '../../src/rehearsal/plan.ts';
import { runRehearsal, type VerdictEvent } from '../../src/rehearsal/run.ts';
import { readScenario } from '../../src/scenario/read.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { durationMs } from '../../src/time/duration.ts';

export type CheckpointEvent = Extract<Event, { type: 'checkpoint' }>;

export interface Faulted {
  readonly verdict: VerdictEvent;
  readonly events: readonly Event[];
  readonly expectation: Expectation;
  /** How it ended, in the words of an outcome. */
  readonly observed: string;
  readonly checkpoint: (id: string) => CheckpointEvent | undefined;
  /** What is not as expected, for people; empty: all is. */
  readonly deviations: readonly string[];
}

export interface FaultOptions {
  readonly seed?: number;
  readonly until?: string;
  /** Looks at the world right after the fault was made. */
  readonly look?: (provider: TwinProvider) => void;
}

const SCENARIOS = path.resolve(import.meta.dirname, '../../scenarios');

/** A bundled scenario with keys of its own: whole sections are merged one level deep. */
export function scenarioWith(name: string, change: { [K in keyof Scenario]?: Partial<Scenario[K]> } = {}): Scenario {
  const base = readScenario(path.join(SCENARIOS, `${name}.yaml`), name);
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(change)) {
    merged[key] = { ...(merged[key] as object), ...(value as object) };
  }
  return merged as unknown as Scenario;
}

/** Runs the scenario with the fault in it. @throws what making the fault throws */
export async function rehearseFault(
  scenario: Scenario,
  fault: InjectedFault,
  args: FaultArgs,
  { seed = 1, until, look }: FaultOptions = {},
): Promise<Faulted> {
  const provider = createTwinProvider({ scenario, seed });
  const { clock } = provider;
  const plan = planFor(scenario, seed);
  const over = new AbortController();
  const events: Event[] = [];
  const start = args.at ?? fault.starts(args, plan.nodes);
  let injecting: Promise<void> | undefined;
  let trouble: unknown;
  let injected = false;

  const healAfter = async (ms: number, heal: Heal | null, doors: FaultWorld): Promise<void> => {
    try {
      await clock.sleep(ms, over.signal);
      await heal?.(doors);
    } catch (error) {
      if (!over.signal.aborted) trouble ??= error;
    }
  };
  const inject = async (): Promise<void> => {
    try {
      const world = await worldOf(provider, scenario, plan.nodes, events, over.signal);
      const heal = await fault.inject(world, args);
      look?.(provider);
      if (args.for === undefined) return;
      const after = durationMs(args.for);
      void healAfter(after, heal, world);
    } catch (error) {
      trouble = error;
    } finally {
      injecting = undefined;
    }
  };
  const emit = (body: EventBody): void => {
    events.push({ seq: events.length + 1, at: new Date(clock.now()).toISOString(), ...body });
    if (injected || !begins(body, start)) return;
    injected = true;
    injecting = inject();
  };
  const gate = async (): Promise<void> => {
    while (injecting !== undefined) await injecting;
  };
  try {
    const verdict = await provider.run(() =>
      runRehearsal({
        scenario,
        seed,
        provider: { ...provider, ...gated(provider, gate) },
        until: until ?? null,
        emit,
        keep: 'never',
        tool: { name: 'cni-rehearsal', version: '0.0.0' },
        signal: new AbortController().signal,
      }),
    );
    over.abort();
    if (trouble !== undefined) throw trouble;
    const ids = plan.checkpoints.map(({ id }) => id);
    const checkpoints = until === undefined ? ids : ids.slice(0, ids.indexOf(until) + 1);
    const expectation = fault.expected({ scenario, args, nodes: plan.nodes, checkpoints, events });
    const checkpoint = (id: string): CheckpointEvent | undefined =>
      events.find((event): event is CheckpointEvent => event.type === 'checkpoint' && event.id === id);
    const observed = outcomeOf(verdict);
    const deviations = deviationsOf(expectation, observed, verdict, events);
    return { verdict, events, expectation, observed, checkpoint, deviations };
  } finally {
    over.abort();
    await provider.close();
  }
}

function begins(event: EventBody, start: string): boolean {
  const id =
    event.type === 'step-started'
      ? event.step
      : event.type === 'checkpoint' && event.outcome === 'passed'
        ? event.id
        : undefined;
  if (id === undefined) return false;
  return start.endsWith('/*') ? id.startsWith(start.slice(0, -1)) : id === start;
}

/** The doors of the rehearsal, closed while a fault is being made. */
function gated(provider: TwinProvider, gate: () => Promise<void>): Pick<TwinProvider, 'host' | 'connect'> {
  return {
    host: {
      run: async (...call) => {
        await gate();
        return provider.host.run(...call);
      },
    },
    connect: async (kubeconfig) => {
      const api = await provider.connect(kubeconfig);
      return new Proxy(api, {
        get: (target, key: keyof KubeApi) => {
          const method: unknown = target[key];
          if (typeof method !== 'function') return method;
          return async (...call: unknown[]): Promise<unknown> => {
            await gate();
            return Reflect.apply(method, target, call) as unknown;
          };
        },
      });
    },
  };
}

async function worldOf(
  provider: TwinProvider,
  scenario: Scenario,
  nodes: FaultWorld['nodes'],
  events: readonly Event[],
  signal: AbortSignal,
): Promise<FaultWorld> {
  const { host, kubeconfig, clock } = provider;
  const commands = new Commands({ host, signal, kubeconfig, simulated: true });
  const values = events.find((event) => event.type === 'values');
  const chosen = (values?.type === 'values' ? values.values : undefined) as
    | { tunnelPort: number; ipam: { operator: { clusterPoolIPv4PodCIDRList: string[] } } }
    | undefined;
  return {
    scenario,
    nodes,
    api: await provider.connect(kubeconfig),
    clock,
    signal,
    cilium: chosen
      ? { tunnelPort: chosen.tunnelPort, podCidrs: chosen.ipam.operator.clusterPoolIPv4PodCIDRList }
      : null,
    onNode: (node, words) => commands.onNode(node, words),
    levers: provider.levers ?? null,
  };
}

function outcomeOf({ verdict, reason, failedCheckpoint }: VerdictEvent): string {
  if (verdict === 'failed') return `failed:${failedCheckpoint}`;
  return verdict === 'passed' ? 'passed' : `${verdict}:${reason}`;
}

function deviationsOf(
  { outcome, blame }: Expectation,
  observed: string,
  verdict: VerdictEvent,
  events: readonly Event[],
): string[] {
  const wrong: string[] = [];
  const as = outcome.endsWith('/*') ? observed.startsWith(outcome.slice(0, -1)) : observed === outcome;
  if (!as) wrong.push(`expected ${outcome}, ended ${observed} (${verdict.reason}: ${verdict.message})`);
  if (blame === undefined || !as) return wrong;
  if (blame.reasons?.includes(verdict.reason) === false) wrong.push(`reason ${verdict.reason}: ${verdict.message}`);
  for (const name of blame.names ?? []) {
    if (!new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(verdict.message)) {
      wrong.push(`${name} is not named: ${verdict.message}`);
    }
  }
  for (const id of blame.assertions ?? []) {
    const failed = events.some(
      (event) =>
        event.type === 'assertion' &&
        event.checkpoint === verdict.failedCheckpoint &&
        event.id === id &&
        event.outcome === 'failed',
    );
    if (!failed) wrong.push(`${id} did not fail`);
  }
  if (blame.pairs === undefined) return wrong;
  const failing = events.flatMap((event) =>
    event.type === 'checkpoint' && event.id === verdict.failedCheckpoint
      ? event.failing.filter(({ state }) => state === 'unhealthy')
      : [],
  );
  if (failing.length === 0) wrong.push('no pair fails');
  for (const pair of failing) {
    if (!blame.pairs(pair)) {
      wrong.push(`${pair.from.node}/${pair.from.cni} → ${pair.to.node}/${pair.to.cni} should not fail: ${pair.error}`);
    }
  }
  return wrong;
}
