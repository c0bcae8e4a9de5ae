/** The order of keys in a line of events.ndjson: the same whatever order an emitter wrote them in. */
import type { EventBody } from './events.ts';

type Type = EventBody['type'];
type Of<T extends Type> = Extract<EventBody, { type: T }>;

/** Every field of every type, named: a field that is added to the events and not here does not compile. */
const FIELDS: { readonly [T in Type]: { readonly [K in Exclude<keyof Of<T>, 'type'>]-?: true } } = {
  'run-started': {
    eventsVersion: true,
    tool: true,
    scenario: true,
    provider: true,
    simulated: true,
    seed: true,
    checkpoints: true,
    nodes: true,
  },
  finding: { id: true, severity: true, message: true, subjects: true, allowed: true, versions: true },
  preflight: { rule: true, outcome: true, message: true, subjects: true },
  'phase-started': { phase: true },
  'phase-ended': { phase: true, outcome: true },
  'step-started': { step: true, phase: true, node: true, title: true, account: true },
  'step-ended': { step: true, outcome: true, message: true },
  object: { action: true, object: true, detail: true },
  node: { node: true, moment: true, cni: true, podCIDRs: true, cniFiles: true },
  values: { moment: true, values: true, changed: true },
  file: { name: true, content: true },
  pods: { probe: true, pods: true },
  sample: { probe: true, from: true, good: true, bad: true, unreadable: true },
  assertion: { checkpoint: true, id: true, outcome: true, expected: true, seen: true, subjects: true },
  checkpoint: {
    id: true,
    phase: true,
    node: true,
    outcome: true,
    startedAt: true,
    settledAt: true,
    observedSeconds: true,
    samples: true,
    managedPods: true,
    access: true,
    probes: true,
    failing: true,
    groups: true,
    message: true,
  },
  fault: { name: true, args: true, moment: true, expected: true },
  disruption: {
    probe: true,
    from: true,
    to: true,
    class: true,
    firstFailedAt: true,
    lastFailedAt: true,
    recoveredAt: true,
    failed: true,
    sent: true,
    step: true,
  },
  evidence: { file: true, content: true },
  leftover: { leftover: true },
  'node-port': { probe: true, moment: true, port: true, healthy: true, unhealthy: true, error: true },
  verdict: {
    verdict: true,
    reason: true,
    message: true,
    failedCheckpoint: true,
    beforePointOfNoReturn: true,
    handwork: true,
  },
};

const ORDER = new Map(Object.entries(FIELDS).map(([type, fields]) => [type, Object.keys(fields)]));

/** All event types, for readers that meet one of another version. */
export const EVENT_TYPES: ReadonlySet<string> = new Set(ORDER.keys());

/** The body's fields in their order, without those that are undefined. */
export function inOrder(body: EventBody): EventBody {
  const ordered: Record<string, unknown> = { type: body.type };
  const given = body as unknown as Readonly<Record<string, unknown>>;
  for (const field of ORDER.get(body.type) ?? []) if (given[field] !== undefined) ordered[field] = given[field];
  return ordered as unknown as EventBody;
}
