/** report.json as a schema, kept equal to report-types.ts by {@link ReportAndSchemaAgree}; docs/report.schema.json is made from it. */
import { z } from 'zod';
import { ACCOUNTS, type Account } from '../events/events.ts';
import { resolvedScenario } from '../events/scenario-schema.ts';
import {
  accessCounts,
  assertionResult,
  cni,
  count,
  type Demanded,
  disruptionClass,
  failingGroup,
  failingPair,
  helmValues,
  type IsA,
  leftover,
  type Mutable,
  managedPods,
  names,
  nodePortReading,
  nodeRole,
  phase,
  probe,
  probePod,
  probeResult,
  reason,
  severity,
  timestamp,
  tool,
  valueChange,
} from '../events/schema.ts';
import { VERDICTS } from '../events/verdict.ts';
import type { Report } from './report-types.ts';

const duration = z.number().min(0).describe('Seconds, to the millisecond');
const secondsPerAccount = z.strictObject(
  Object.fromEntries(ACCOUNTS.map((account) => [account, duration])) as Record<Account, typeof duration>,
);
const place = z.strictObject({ cni, podCIDRs: names });

const checkpoint = z
  .strictObject({
    id: z.string(),
    phase,
    node: z.string().nullable(),
    outcome: z
      .enum(['passed', 'failed', 'not-reached'])
      .describe('failed also when the step before it failed, which is charged to it: then nothing was measured'),
    startedAt: timestamp.nullable(),
    settledAt: timestamp.nullable().describe('When everything was good for the first time; null: never'),
    observedSeconds: z.number().min(0),
    samples: count,
    managedPods,
    access: accessCounts.describe("How the probes' instances were read"),
    probes: z.array(probeResult),
    failing: z.array(failingPair).describe('At most 1000 pairs; counts and groups are complete'),
    groups: z.array(failingGroup),
    assertions: z.array(assertionResult),
  })
  .meta({ id: 'Checkpoint' });

const node = z
  .strictObject({
    name: z.string(),
    role: nodeRole,
    order: z.int().min(1),
    before: place.describe("Calico's IPAM blocks with affinity to the node"),
    after: place.describe("The CiliumNode's podCIDRs"),
    cniFiles: z.strictObject({ before: names, after: names }),
    seconds: z.strictObject({
      drain: duration,
      switch: duration,
      settle: duration,
      restart: duration,
      total: duration,
    }),
  })
  .meta({ id: 'Node' });

export const reportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  tool,
  scenario: resolvedScenario,
  provider: z.enum(['twin', 'kind']),
  seed: z.number(),
  simulated: z.boolean(),
  verdict: z.enum(VERDICTS),
  reason,
  message: z.string().describe('For people: what, where, what now'),
  exitCode: z.int().nullable().describe('null: interrupted'),
  failedCheckpoint: z.string().nullable(),
  beforePointOfNoReturn: z.boolean(),
  startedAt: timestamp,
  finishedAt: timestamp.describe("The verdict's moment; the cluster is deleted after it"),
  durationSeconds: duration,
  seconds: secondsPerAccount.describe('Add up to durationSeconds'),
  versions: z
    .object({
      kubernetes: z.string(),
      calico: z.string(),
      cilium: z.string(),
      goldpinger: z.string().nullable(),
      kind: z.string().nullable(),
      helm: z.string().nullable(),
    })
    .catchall(z.string().nullable()),
  checkpoints: z.array(checkpoint),
  nodes: z.array(node),
  disruption: z.array(
    z
      .strictObject({
        probe,
        from: probePod,
        to: probePod,
        class: disruptionClass,
        firstFailedAt: timestamp,
        lastFailedAt: timestamp,
        failed: count,
        sent: count,
        step: z.string(),
      })
      .meta({ id: 'Disruption', description: 'One unbroken stretch of failed pings of one pair' }),
  ),
  values: z.strictObject({
    initial: helmValues.nullable(),
    final: helmValues.nullable(),
    changed: z.array(valueChange),
  }),
  faults: z.array(
    z.strictObject({
      name: z.string(),
      args: z.record(z.string(), z.string()),
      injectedAt: timestamp.nullable(),
      healedAt: timestamp.nullable(),
      expected: z.string(),
      observed: z.string().nullable(),
    }),
  ),
  findings: z.array(
    z.strictObject({ id: z.string(), severity, message: z.string(), subjects: names, allowed: z.boolean() }),
  ),
  leftovers: z.array(leftover),
  nodePorts: z.array(nodePortReading),
  handwork: names.describe('Commands for a person, in order'),
});

type Inferred = z.infer<typeof reportSchema>;
/** The schema names the versions that are always there; the type has them as a record. */
export type ReportAndSchemaAgree = [
  IsA<Inferred, Mutable<Report>>,
  IsA<Omit<Mutable<Report>, 'versions'>, Omit<Inferred, 'versions'>>,
  IsA<Demanded<Omit<Inferred, 'versions'>>, Demanded<Omit<Report, 'versions'>>>,
];

/** report.json's JSON Schema (draft 2020-12). */
export function reportJsonSchema(): object {
  const schema = z.toJSONSchema(reportSchema, { reused: 'inline' });
  return { $schema: schema.$schema, title: 'report.json (schemaVersion 1)', ...schema };
}
