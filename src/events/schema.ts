/**
 * The events as a schema: docs/events.schema.json is made from it, and the reader checks every line against it. The types
 * in events.ts are what the code uses; {@link EventsAndSchemaAgree} keeps the two from drifting apart. Not imported by a run.
 */
import { z } from 'zod';
import { ACCOUNTS, ASSERTIONS, type Event, PHASES } from './events.ts';
import { resolvedScenario } from './scenario-schema.ts';
import { REASONS, VERDICTS } from './verdict.ts';

export const timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .refine((text) => !Number.isNaN(Date.parse(text)), 'a moment that exists')
  .meta({ id: 'Timestamp', description: 'RFC 3339 in UTC with milliseconds; provider time' });
export const phase = z.enum(PHASES).meta({ id: 'Phase' });
export const cni = z.enum(['calico', 'cilium', 'host', 'unknown']).meta({ id: 'Cni' });
export const probe = z.enum(['nodepinger', 'goldpinger']).meta({ id: 'Probe' });
export const count = z.int().min(0);
export const names = z.array(z.string());
export const nodeRole = z.enum(['control-plane', 'worker']);
export const passedOrFailed = z.enum(['passed', 'failed']);
export const severity = z.enum(['info', 'warning', 'error']);
export const disruptionClass = z.enum(['node-restart', 'install-dip', 'unexpected']);
export const helmValues = z.record(z.string(), z.unknown());
export const reason = z.enum(REASONS).meta({ id: 'Reason', description: 'Why it ended as it did, for machines' });
export const tool = z.strictObject({ name: z.string(), version: z.string() });
const ending = z.enum(['passed', 'failed', 'stopped']);

export const probePod = z
  .strictObject({ pod: z.string(), node: z.string(), ip: z.string(), cni })
  .meta({ id: 'ProbePod' });
export const counts = z
  .strictObject({ expected: count, healthy: count, unhealthy: count, unknown: count })
  .meta({ id: 'Counts' });
export const probeResult = z
  .strictObject({ name: probe, mesh: z.enum(['full', 'sampled']), pods: counts, pairs: counts })
  .meta({ id: 'ProbeResult' });
export const failingPair = z
  .strictObject({
    probe,
    from: probePod,
    to: probePod,
    state: z.enum(['unhealthy', 'unknown']),
    error: z.string().describe("goldpinger's error text, or why the pair is unknown"),
  })
  .meta({ id: 'FailingPair' });
export const failingGroup = z
  .strictObject({ from: z.string(), to: z.string(), failing: count, of: count })
  .meta({ id: 'FailingGroup' });
export const accessCounts = z.strictObject({ proxy: count, fallback: count, notAskable: count }).meta({ id: 'Access' });
export const managedPods = z.strictObject({ managed: count, total: count }).meta({ id: 'ManagedPods' });
export const assertionResult = z
  .strictObject({
    id: z.enum(ASSERTIONS),
    outcome: z.enum(['passed', 'failed', 'unknown']),
    expected: z.string(),
    seen: z.string(),
    subjects: names,
  })
  .meta({ id: 'AssertionResult' });
export const valueChange = z
  .strictObject({ path: z.string(), before: z.unknown(), after: z.unknown() })
  .meta({ id: 'ValueChange' });
export const leftover = z
  .strictObject({
    node: z.string().nullable().describe('null: an object of the API'),
    kind: z.string(),
    name: z.string(),
    harmless: z.boolean(),
    remedy: z.string(),
  })
  .meta({ id: 'Leftover' });
export const nodePortReading = z.strictObject({
  probe,
  moment: z.enum(['baseline', 'final']),
  port: count,
  healthy: count.nullable(),
  unhealthy: count.nullable(),
  error: z.string(),
});

/** Every event has these first. */
const head = { seq: z.int().min(1), at: timestamp };

function event<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return z.strictObject({ ...head, type: z.literal(type), ...shape });
}

export const eventSchema = z.discriminatedUnion('type', [
  event('run-started', {
    eventsVersion: z.literal(1),
    tool,
    scenario: resolvedScenario,
    provider: z.enum(['twin', 'kind']),
    simulated: z.boolean(),
    seed: z.number(),
    checkpoints: z.array(z.strictObject({ id: z.string(), phase, node: z.string().nullable() })),
    nodes: z.array(
      z.strictObject({ name: z.string(), role: nodeRole, order: z.int().min(1).describe('Place in the migration') }),
    ),
  }),
  event('finding', {
    id: z.string(),
    severity,
    message: z.string(),
    subjects: names,
    allowed: z.boolean(),
    versions: z.record(z.string(), z.string()).optional(),
  }),
  event('preflight', {
    rule: z.string(),
    outcome: z.enum(['passed', 'refused', 'allowed', 'finding', 'skipped']),
    message: z.string(),
    subjects: names,
  }),
  event('phase-started', { phase }),
  event('phase-ended', { phase, outcome: ending }),
  event('step-started', {
    step: z.string(),
    phase,
    node: z.string().nullable(),
    title: z.string(),
    account: z.enum(ACCOUNTS).describe("Where the step's time goes in the report's seconds"),
  }),
  event('step-ended', { step: z.string(), outcome: ending, message: z.string() }),
  event('object', {
    action: z.enum(['created', 'applied', 'patched', 'deleted', 'evicted', 'command']),
    object: z.string(),
    detail: z.string(),
  }),
  event('node', {
    node: z.string(),
    moment: z.enum(['before', 'after']),
    cni,
    podCIDRs: names,
    cniFiles: names,
  }),
  event('values', { moment: z.enum(['initial', 'final']), values: helmValues, changed: z.array(valueChange) }),
  event('file', { name: z.string(), content: z.string() }),
  event('pods', { probe, pods: z.array(probePod) }),
  event('sample', {
    probe,
    from: z.string(),
    good: count,
    bad: z.array(z.strictObject({ to: z.string(), error: z.string(), pingTime: timestamp })),
    unreadable: z.string().optional(),
  }),
  event('assertion', { checkpoint: z.string(), ...assertionResult.shape }),
  event('checkpoint', {
    id: z.string(),
    phase,
    node: z.string().nullable(),
    outcome: passedOrFailed,
    startedAt: timestamp,
    settledAt: timestamp.nullable().describe('When everything was good for the first time; null: never'),
    observedSeconds: z.number().min(0),
    samples: count.describe('Distinct pings that the verdict rests on'),
    managedPods,
    access: accessCounts,
    probes: z.array(probeResult),
    failing: z.array(failingPair),
    groups: z.array(failingGroup),
    message: z.string(),
  }),
  event('fault', {
    name: z.string(),
    args: z.record(z.string(), z.string()),
    moment: z.enum(['injected', 'healed', 'ended']),
    expected: z.string(),
  }),
  event('disruption', {
    probe,
    from: probePod,
    to: probePod,
    class: disruptionClass,
    firstFailedAt: timestamp,
    lastFailedAt: timestamp,
    recoveredAt: timestamp.optional().describe('Left out when a pod of the pair went away first, or the run ended'),
    failed: count,
    sent: count,
    step: z.string(),
  }),
  event('evidence', { file: z.string(), content: z.string() }),
  event('leftover', { leftover }),
  event('node-port', nodePortReading.shape),
  event('verdict', {
    verdict: z.enum(VERDICTS).exclude(['interrupted']),
    reason,
    message: z.string(),
    failedCheckpoint: z.string().nullable(),
    beforePointOfNoReturn: z.boolean(),
    handwork: names,
  }),
]);

/** A type without `readonly`, as schemas infer it. */
export type Mutable<T> = T extends readonly (infer U)[]
  ? Mutable<U>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;

/** A type with its optional fields demanded: a field that one side lacks shows only so. */
export type Demanded<T> = T extends readonly (infer U)[]
  ? Demanded<U>[]
  : T extends object
    ? { -readonly [K in keyof T]-?: Demanded<T[K]> }
    : T;

/** Does not compile when A is not a B. */
export type IsA<A extends B, B> = A;
type Inferred = z.infer<typeof eventSchema>;
/** Neither side may have what the other lacks. */
export type EventsAndSchemaAgree = [
  IsA<Inferred, Mutable<Event>>,
  IsA<Mutable<Event>, Inferred>,
  IsA<Demanded<Inferred>, Demanded<Event>>,
  IsA<Demanded<Event>, Demanded<Inferred>>,
];

/** The events' JSON Schema (draft 2020-12): one line of events.ndjson. */
export function eventsJsonSchema(): object {
  const schema = z.toJSONSchema(eventSchema, { reused: 'inline' });
  return {
    $schema: schema.$schema,
    title: 'One line of events.ndjson (eventsVersion 1)',
    description: 'run-started is the first line, verdict the last; seq counts from 1 without a gap.',
    ...schema,
  };
}
