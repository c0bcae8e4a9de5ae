/** A resolved scenario as events and reports carry it: every default filled in (what people write is in src/scenario). */
import { z } from 'zod';
import { ENCAPSULATIONS, type JsonObject, type Scenario } from '../scenario/scenario.ts';

const duration = z.string().describe('For example 90s, 5m, 1h30m');
const cidr = z.string();
/** Free-form maps: Helm values, specs. Their inside is the chart's or the operator's business. */
const jsonObject = z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject>;

export const resolvedScenario = z
  .strictObject({
    schemaVersion: z.literal(1),
    name: z.string(),
    description: z.string(),
    providers: z.array(z.enum(['twin', 'kind'])),
    kubernetes: z.strictObject({ version: z.string(), image: z.string().nullable() }),
    cluster: z.strictObject({
      name: z.string(),
      controlPlanes: z.int(),
      workers: z.int(),
      podSubnet: cidr,
      serviceSubnet: cidr,
      nodeSubnet: cidr,
    }),
    calico: z.strictObject({
      version: z.string(),
      encapsulation: z.enum(ENCAPSULATIONS),
      cidr,
      autodetection: z.enum(['firstFound', 'NodeInternalIP']),
      installation: jsonObject,
      felix: jsonObject,
    }),
    cilium: z.strictObject({
      version: z.string(),
      podCIDR: z.array(cidr).nullable().describe('null: chosen when the cluster has been read'),
      maskSize: z.int(),
      tunnelProtocol: z.enum(['vxlan', 'geneve']),
      tunnelPort: z.int().nullable().describe('null: chosen when the cluster has been read'),
      values: jsonObject,
      finalValues: jsonObject,
    }),
    probes: z.strictObject({
      interval: duration.nullable(),
      pingTimeout: duration,
      image: z.string(),
      mesh: z.enum(['full', 'sampled']),
      goldpinger: z.strictObject({ replicas: z.int(), replicasAfterFirstNode: z.int() }),
    }),
    workloads: z.array(z.strictObject({ file: z.string(), manifest: z.string() })),
    migration: z.strictObject({
      setAutodetection: z.enum(['NodeInternalIP', 'keep']),
      order: z.union([z.enum(['name', 'random']), z.array(z.string())]),
      batchSize: z.int(),
      recycle: z.enum(['daemons', 'node']),
      drain: z.strictObject({ timeout: duration, deleteEmptyDirData: z.boolean(), force: z.boolean() }),
    }),
    finish: z.strictObject({
      policyEnforcement: z.enum(['default', 'always', 'never']),
      removeCalico: z.boolean(),
      restartNodes: z.boolean(),
      restartBatch: z.int(),
      connectivityTest: z.union([z.literal(false), z.strictObject({ tests: z.array(z.string()), timeout: duration })]),
    }),
    gate: z.strictObject({
      freshSamples: z.int(),
      failuresToFail: z.int(),
      observe: duration,
      settleTimeout: duration,
      maxDisruption: duration.describe('A duration or unlimited'),
    }),
    timeouts: z.strictObject({
      provision: duration,
      calico: duration,
      cilium: duration,
      agent: duration,
      remove: duration,
      restart: duration,
      apiOutage: duration,
      unreadable: duration,
    }),
    preflight: z.strictObject({ allow: z.array(z.string()) }),
  })
  .meta({
    id: 'Scenario',
    description: 'What was rehearsed, with every default filled in',
  }) satisfies z.ZodType<Scenario>;
