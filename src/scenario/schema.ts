/** The scenario file's schema. `docs/scenario.schema.json` is made from it (scripts/schemas.ts). */
import { z } from 'zod';
import { parseDuration } from '../time/duration.ts';
import { ENCAPSULATIONS } from './scenario.ts';

const duration = z
  .string('a duration such as "90s" or "5m"')
  .refine((text) => parseDuration(text) !== undefined, 'a duration such as "90s" or "5m"')
  .describe('A duration such as 90s, 5m or 1h30m.');

const cidr = z
  .string('an IPv4 CIDR such as 10.244.0.0/16')
  .refine(isCidr, 'an IPv4 CIDR with its network address, such as 10.244.0.0/16')
  .describe('An IPv4 CIDR, such as 10.244.0.0/16.');

const version = z
  .string('a version such as 1.19.6 or 1.19')
  .regex(/^v?\d+\.\d+(\.\d+)?([-+].*)?$/, 'an exact version such as 1.19.6 or a minor such as "1.19"')
  .describe('An exact version, or a minor in quotes for its newest known patch.');

const mapping = z.record(z.string(), z.json(), 'a mapping').describe('A mapping of any shape.');

const valuesOrFile = z
  .union([z.string().min(1), z.record(z.string(), z.json())], 'a mapping of Helm values or the path of a values file')
  .describe('Helm values, or the path of a values file relative to the scenario.');

const integer = (min: number, max: number) =>
  z
    .int(`a whole number from ${min} to ${max}`)
    .min(min, `a whole number from ${min} to ${max}`)
    .max(max, `a whole number from ${min} to ${max}`);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `one of ${values.join(', ')}`);

const bool = z.boolean('true or false');
const text = z.string('a text');

/** RFC 1123 label, and kind's own rule for cluster names (v0.32.0 pkg/cluster/internal/create). */
const clusterName = text.regex(/^[a-z0-9]([a-z0-9.-]{0,48}[a-z0-9])?$/, 'a name of at most 50 of a-z, 0-9, . and -');

export const scenarioSchema = z
  .strictObject({
    schemaVersion: z.literal(1, '1').describe('Version of this schema.'),
    name: text
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of at most 63 letters, digits, ., _ and -')
      .optional(),
    description: text.optional(),
    providers: z
      .array(oneOf(['twin', 'kind']), 'a list of providers')
      .min(1, 'at least one of twin, kind')
      .optional()
      .describe('Where the scenario can be rehearsed.'),
    kubernetes: z
      .strictObject({
        version: version.optional(),
        image: text
          .min(1, 'an image reference')
          .optional()
          .describe("kind's node image; by default the known one of the version."),
      })
      .optional(),
    cluster: z
      .strictObject({
        name: clusterName.optional(),
        controlPlanes: z.literal([1, 3, 5], '1, 3 or 5').optional(),
        workers: integer(1, 10_000).optional(),
        podSubnet: cidr.optional().describe("kind's podSubnet; calico.cidr unless set."),
        serviceSubnet: cidr.optional(),
        nodeSubnet: cidr.optional().describe('Network of the node containers; on the twin only.'),
      })
      .optional(),
    calico: z
      .strictObject({
        version: version.optional(),
        encapsulation: oneOf(ENCAPSULATIONS).optional(),
        cidr: cidr.optional(),
        autodetection: oneOf(['firstFound', 'NodeInternalIP']).optional(),
        installation: mapping.optional().describe("Merged over the spec of the rehearsal's Installation."),
        felix: mapping.optional().describe('Spec of FelixConfiguration/default.'),
      })
      .optional(),
    cilium: z
      .strictObject({
        version: version.optional(),
        podCIDR: z
          .union([cidr, z.array(cidr).min(1)], 'an IPv4 CIDR such as 10.244.0.0/16, or a list of them')
          .optional(),
        maskSize: integer(8, 30).optional(),
        tunnelProtocol: oneOf(['vxlan', 'geneve']).optional(),
        tunnelPort: integer(1, 65_535).optional(),
        values: valuesOrFile.optional(),
        finalValues: valuesOrFile.optional(),
      })
      .optional(),
    probes: z
      .strictObject({
        interval: duration.optional(),
        pingTimeout: duration.optional(),
        image: text.min(1, 'an image reference').optional(),
        mesh: oneOf(['full', 'sampled']).optional(),
        goldpinger: z
          .strictObject({
            replicas: integer(1, 10_000).optional(),
            replicasAfterFirstNode: integer(1, 10_000).optional(),
          })
          .optional(),
      })
      .optional(),
    workloads: z
      .array(z.string('a path').min(1, 'a path'), 'a list of manifest files')
      .optional()
      .describe('Manifest files, relative to the scenario.'),
    migration: z
      .strictObject({
        setAutodetection: oneOf(['NodeInternalIP', 'keep']).optional(),
        order: z
          .union([oneOf(['name', 'random']), z.array(text.min(1)).min(1)], 'name, random or a list of all nodes')
          .optional(),
        batchSize: integer(1, 1_000).optional(),
        recycle: oneOf(['daemons', 'node']).optional(),
        drain: z
          .strictObject({
            timeout: duration.optional(),
            deleteEmptyDirData: bool.optional(),
            force: bool.optional(),
          })
          .optional(),
      })
      .optional(),
    finish: z
      .strictObject({
        policyEnforcement: oneOf(['default', 'always', 'never']).optional(),
        removeCalico: bool.optional(),
        restartNodes: bool.optional(),
        restartBatch: integer(1, 1_000).optional(),
        connectivityTest: z
          .union(
            [z.literal(false), z.strictObject({ tests: z.array(text).optional(), timeout: duration.optional() })],
            'false, or a mapping with tests and timeout',
          )
          .optional(),
      })
      .optional(),
    gate: z
      .strictObject({
        freshSamples: integer(1, 100).optional(),
        failuresToFail: integer(1, 100).optional(),
        observe: duration.optional(),
        settleTimeout: duration.optional(),
        maxDisruption: z.union([z.literal('unlimited'), duration], 'unlimited, or a duration such as "30s"').optional(),
      })
      .optional(),
    timeouts: z
      .strictObject({
        provision: duration.optional(),
        calico: duration.optional(),
        cilium: duration.optional(),
        agent: duration.optional(),
        remove: duration.optional(),
        restart: duration.optional(),
        apiOutage: duration.optional(),
        unreadable: duration.optional(),
      })
      .optional(),
    preflight: z.strictObject({ allow: z.array(text).optional() }).optional(),
  })
  .describe('A scenario of the CNI rehearsal: what is rehearsed, and how it is judged.');

/** A scenario as written, before defaults. */
export type ScenarioInput = z.infer<typeof scenarioSchema>;

function isCidr(value: string): boolean {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(value);
  if (parts === null) return false;
  const [a, b, c, d, prefix] = parts.slice(1).map(Number) as [number, number, number, number, number];
  if ([a, b, c, d].some((byte) => byte > 255) || prefix < 1 || prefix > 30) return false;
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return address % 2 ** (32 - prefix) === 0;
}
