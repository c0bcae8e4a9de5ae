/**
 * A rehearsal whose world is broken while it runs: an action follows an event of the run and changes what stands behind
 * the doors (rules, programs, processes, objects), never what the rehearsal is told.
 */
import path from 'node:path';
import type { Event, EventBody } from '../../../src/events/events.ts';
import { createTwinProvider } from '../../../src/provider/twin.ts';
import { runRehearsal, type VerdictEvent } from '../../../src/rehearsal/run.ts';
import { readScenario } from '../../../src/scenario/read.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import type { Twin } from '../../../src/twin/twin.ts';

/** Every key may be left out; lists and free-form values are given whole. */
type Deep<T> = {
  readonly [K in keyof T]?: T[K] extends readonly unknown[]
    ? T[K]
    : string extends keyof T[K]
      ? T[K]
      : Deep<T[K]> | T[K];
};
export type Change = Deep<Scenario>;

/** Does something to the world right after an event; called for every event. */
export type Break = (event: EventBody, twin: Twin) => void;

export interface Broken {
  readonly verdict: VerdictEvent;
  readonly events: readonly EventBody[];
  /** The checkpoint's event. */
  readonly checkpoint: (id: string) => Extract<Event, { type: 'checkpoint' }> | undefined;
}

export const MINIMAL = 'minimal';

/** Runs `minimal` with one or two workers, changed and broken. */
export async function rehearseBroken(
  change: Change,
  act: Break = () => undefined,
  options: { until?: string; seed?: number; prepare?: (twin: Twin) => void } = {},
): Promise<Broken> {
  const file = path.resolve(import.meta.dirname, '../../../scenarios/minimal.yaml');
  const scenario = merge(readScenario(file, MINIMAL), change) as Scenario;
  const { seed = 1, until = null } = options;
  const provider = createTwinProvider({ scenario, seed });
  const { twin } = provider;
  options.prepare?.(twin);
  const events: EventBody[] = [];
  const emit = (event: EventBody): void => {
    events.push(event);
    act(event, twin);
  };
  try {
    const verdict = await provider.run(() =>
      runRehearsal({
        scenario,
        seed,
        provider,
        until,
        emit,
        keep: 'never',
        tool: { name: 'cni-rehearsal', version: '0.0.0' },
        signal: new AbortController().signal,
      }),
    );
    const checkpoint = (id: string) =>
      events.find((event) => event.type === 'checkpoint' && event.id === id) as ReturnType<Broken['checkpoint']>;
    return { verdict, events, checkpoint };
  } finally {
    await provider.close();
  }
}

function merge(base: unknown, over: unknown): unknown {
  if (typeof base !== 'object' || base === null || Array.isArray(base)) return over;
  if (typeof over !== 'object' || over === null || Array.isArray(over)) return over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = key in merged ? merge(merged[key], value) : value;
  return merged;
}

/** Acts once, right after the checkpoint has passed. */
export const afterCheckpoint = (id: string, act: (twin: Twin) => void): Break =>
  once((e) => e.type === 'checkpoint' && e.id === id, act);

/** Acts once, at the beginning of the step. */
export const atStep = (id: string, act: (twin: Twin) => void): Break =>
  once((e) => e.type === 'step-started' && e.step === id, act);

/** Acts once, when the step has ended. */
export const afterStep = (id: string, act: (twin: Twin) => void): Break =>
  once((e) => e.type === 'step-ended' && e.step === id, act);

function once(when: (event: EventBody) => boolean, act: (twin: Twin) => void): Break {
  let done = false;
  return (event, twin) => {
    if (done || !when(event)) return;
    done = true;
    // From a timer of the world's own, as everything in it.
    twin.clock.after(0, () => act(twin));
  };
}

/** Adds a rule in the tables of a node; an address of a pod in it stays what it is when the pod goes. */
export function addRule(twin: Twin, node: string, rule: string): void {
  twin.world.network.node(node)!.addRule('filter', rule, true);
}

export function deleteRule(twin: Twin, node: string, rule: string): void {
  twin.world.network.node(node)!.deleteRule('filter', rule);
}

/** Nobody gets an answer of any API server any more. */
export function loseApi(twin: Twin): void {
  const { api } = twin.cluster;
  const report = api.server.bind(api);
  for (const { name, role } of twin.cluster.machines.values()) if (role === 'control-plane') report(name, false);
  api.server = () => undefined;
}

/** Nobody gets an answer of the API server on this node for so many milliseconds, however often its container restarts. */
export function stopApi(twin: Twin, node: string, ms: number): void {
  const { api } = twin.cluster;
  const report = api.server.bind(api);
  let up = true;
  report(node, false);
  api.server = (name, now) => {
    if (name === node) up = now;
    else report(name, now);
  };
  twin.clock.after(ms, () => {
    api.server = report;
    report(node, up);
  });
}
