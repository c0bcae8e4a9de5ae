/** The scenario file's schema. `docs/scenario.schema.json` is made from it (scripts/schemas.ts). */
import { z } from 'zod';
import { parseDuration } from '../time/duration.ts';
import { CIDR_PATTERN, isUsable, parseNetwork } from './network.ts';
import { ENCAPSULATIONS } from './scenario.ts';

/** Longer than any rehearsal, and far below the longest delay of a timer (24.8 days). */
const MAX_DURATION_MS = 168 * 3_600_000;

const DURATION = 'a duration such as "90s" or "5m"';

const durationOf = (minMs: number, least: string) =>
  z
    .string(DURATION)
    .max(40, DURATION)
    .regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, DURATION)
    .refine((text) => {
      const ms = parseDuration(text);
      // What is no duration at all has been told.
      return ms === undefined || (ms >= minMs && ms <= MAX_DURATION_MS);
    }, `a duration from ${least} to 168h`)
    .describe('A duration such as 90s, 5m or 1h30m, at most 168h.');

const duration = durationOf(1_000, '1s');
const durationOrNone = durationOf(0, '0s');

/** goldpinger's REFRESH_INTERVAL counts whole seconds. */
const interval = durationOf(1_000, '1s').refine(
  (text) => (parseDuration(text) ?? 0) % 1_000 === 0,
  'a duration of whole seconds',
);

const CIDR = 'an IPv4 CIDR with its network address, such as 10.244.0.0/16,';

const cidr = z
  .string('an IPv4 CIDR such as 10.244.0.0/16')
  .regex(CIDR_PATTERN, CIDR)
  .refine((text) => parseNetwork(text) !== undefined || !CIDR_PATTERN.test(text), CIDR)
  .refine((text) => {
    const network = parseNetwork(text);
    return network === undefined || isUsable(network);
  }, 'an IPv4 CIDR that is not loopback, link-local, multicast or 0.0.0.0/8')
  .describe('An IPv4 CIDR, such as 10.244.0.0/16.');

const version = z
  .string('a version such as 1.19.6 or 1.19')
  .regex(/^v?\d+\.\d+(\.\d+)?([-+][0-9A-Za-z.+-]{1,60})?$/, 'an exact version such as 1.19.6 or a minor such as "1.19"')
  .describe('An exact version, or a minor in quotes for its newest known patch.');

/** Unknown keys are told by read.ts, which knows what the others are called. */
const object = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape, 'a mapping');

const text = z.string('a text');
const path = text.min(1, 'a path').max(4096, 'a path');

const mapping = z.record(z.string(), z.json(), 'a mapping').describe('A mapping of any shape.');

const valuesOrFile = z
  .union([path, mapping], 'a mapping of Helm values or the path of a values file')
  .describe('Helm values, or the path of a values file relative to the scenario.');

const integer = (min: number, max: number) =>
  z
    .int(`a whole number from ${min} to ${max}`)
    .min(min, `a whole number from ${min} to ${max}`)
    .max(max, `a whole number from ${min} to ${max}`);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `one of ${values.join(', ')}`);

const bool = z.boolean('true or false');
/** For people; several lines are welcome, orders to a terminal are not. */
const prose = text.max(10_000, 'a text of at most 10000 characters').regex(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through.
  /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/,
  'a text without control characters',
);
const word = text
  .min(1, 'a text')
  .max(253, 'a text of at most 253 characters')
  .regex(/^[!-~]+$/, 'a text without spaces');
/** Of container images; the registry judges the rest. */
const imageReference = text
  .max(500, 'an image reference such as registry/name:tag')
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/, 'an image reference such as registry/name:tag');
const names = (what: string) => z.array(word, `a list of ${what}`);

/** RFC 1123 subdomain, of which node names are made, within kind's own rule (v0.32.0 pkg/cluster/internal/create). */
const clusterName = text
  .max(50, 'a name of at most 50 of a-z, 0-9, . and -')
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'a name of a-z, 0-9, . and - whose parts begin and end with a letter or digit',
  );

export const scenarioSchema = object({
  schemaVersion: z.literal(1, '1').describe('Version of this schema.'),
  name: text.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a name of at most 63 letters, digits, ., _ and -'),
  description: prose.optional(),
  providers: z
    .array(oneOf(['twin', 'kind']), 'a list of providers')
    .min(1, 'at least one of twin, kind')
    .optional()
    .describe('Where the scenario can be rehearsed.'),
  kubernetes: object({
    version: version.optional(),
    image: imageReference.optional().describe("kind's node image; by default the known one of the version."),
  }).optional(),
  cluster: object({
    name: clusterName.optional(),
    controlPlanes: z.literal([1, 3, 5], '1, 3 or 5').optional(),
    workers: integer(1, 10_000).optional(),
    podSubnet: cidr.optional().describe("kind's podSubnet; calico.cidr unless set."),
    serviceSubnet: cidr.optional(),
    nodeSubnet: cidr.optional().describe('Network of the node containers; on the twin only.'),
  }).optional(),
  calico: object({
    version: version.optional(),
    encapsulation: oneOf(ENCAPSULATIONS).optional(),
    cidr: cidr.optional(),
    autodetection: oneOf(['firstFound', 'NodeInternalIP']).optional(),
    installation: mapping.optional().describe("Merged over the spec of the rehearsal's Installation."),
    felix: mapping.optional().describe('Spec of FelixConfiguration/default.'),
  }).optional(),
  cilium: object({
    version: version.optional(),
    podCIDR: z
      .union([cidr, z.array(cidr).min(1, 'at least one CIDR')], 'an IPv4 CIDR such as 10.244.0.0/16, or a list of them')
      .optional(),
    maskSize: integer(8, 30).optional(),
    tunnelProtocol: oneOf(['vxlan', 'geneve']).optional(),
    tunnelPort: integer(1, 65_535).optional(),
    values: valuesOrFile.optional(),
    finalValues: valuesOrFile.optional(),
  }).optional(),
  probes: object({
    interval: interval.optional(),
    pingTimeout: durationOf(1, '1ms').optional(),
    image: imageReference.optional(),
    mesh: oneOf(['full', 'sampled']).optional(),
    goldpinger: object({
      replicas: integer(1, 10_000).optional(),
      replicasAfterFirstNode: integer(1, 10_000).optional(),
    }).optional(),
  }).optional(),
  workloads: z
    .array(z.string('a path').min(1, 'a path'), 'a list of manifest files')
    .optional()
    .describe('Manifest files, relative to the scenario.'),
  migration: object({
    setAutodetection: oneOf(['NodeInternalIP', 'keep']).optional(),
    order: z
      .union(
        [oneOf(['name', 'random']), names('nodes').min(1, 'a list of all nodes')],
        'name, random or a list of all nodes',
      )
      .optional(),
    batchSize: integer(1, 1_000).optional(),
    recycle: oneOf(['daemons', 'node']).optional(),
    drain: object({
      timeout: duration.optional(),
      deleteEmptyDirData: bool.optional(),
      force: bool.optional(),
    }).optional(),
  }).optional(),
  finish: object({
    policyEnforcement: oneOf(['default', 'always', 'never']).optional(),
    removeCalico: bool.optional(),
    restartNodes: bool.optional(),
    restartBatch: integer(1, 1_000).optional(),
    connectivityTest: z
      .union(
        [z.literal(false), object({ tests: names('tests').optional(), timeout: duration.optional() })],
        'false, or a mapping with tests and timeout',
      )
      .optional(),
  }).optional(),
  gate: object({
    freshSamples: integer(1, 100).optional(),
    failuresToFail: integer(1, 100).optional(),
    observe: durationOrNone.optional(),
    settleTimeout: duration.optional(),
    maxDisruption: z
      .union([z.literal('unlimited'), durationOrNone], 'unlimited, or a duration such as "30s"')
      .optional(),
  }).optional(),
  timeouts: object({
    provision: duration.optional(),
    calico: duration.optional(),
    cilium: duration.optional(),
    agent: duration.optional(),
    remove: duration.optional(),
    restart: duration.optional(),
    apiOutage: duration.optional(),
    unreadable: duration.optional(),
  }).optional(),
  preflight: object({ allow: names('rules').optional() }).optional(),
}).describe('A scenario of the CNI rehearsal: what is rehearsed, and how it is judged.');

/** A scenario as written, before defaults. */
export type ScenarioInput = z.infer<typeof scenarioSchema>;
