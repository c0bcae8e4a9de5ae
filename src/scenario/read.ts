/** From a file and `--set` to a {@link Scenario}: validated, with every default filled in and every version exact. */
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { type Override, problemOfFile, readText, ScenarioDocument } from './document.ts';
import { checkManifest } from './manifest.ts';
import { nearest } from './nearest.ts';
import { type Places, type Positions, placesOf, positionsOf, type ValuesFiles } from './positions.ts';
import { MOST_PROBLEMS, type Problem, ScenarioError } from './problem.ts';
import { RULE_IDS } from './rule-ids.ts';
import type { Json, JsonObject, Scenario } from './scenario.ts';
import { type ScenarioInput, scenarioSchema } from './schema.ts';
import { sizeProblems } from './sizes.ts';
import { type Component, hasTwinData, nodeImage, resolveVersion, twinVersions } from './versions.ts';

const MAX_WORKLOAD_BYTES = 4 * 1024 * 1024;
const MAX_WORKLOADS_BYTES = 16 * 1024 * 1024;
/** Suggestions are searched for so many unknown nodes; the search is slow on ten thousand of them. */
const MOST_SUGGESTIONS = 5;

type Path = readonly (string | number)[];

/**
 * @param file path of the scenario
 * @param shown the file as messages name it
 * @param overrides values of `--set`, in order
 * @throws ScenarioError with every problem that was found
 */
export function readScenario(file: string, shown: string, overrides: readonly Override[] = []): Scenario {
  return readScenarioWithPositions(file, shown, overrides).scenario;
}

/** As {@link readScenario}, and where each key stands: a scenario goes into events, positions must not. */
export function readScenarioWithPositions(
  file: string,
  shown: string,
  overrides: readonly Override[] = [],
): { readonly scenario: Scenario; readonly at: Positions; readonly places: Places } {
  const document = ScenarioDocument.read(file, shown);
  for (const override of overrides) document.set(override);
  const resolver = new Resolver(document, validated(document), file);
  const scenario = resolver.resolve();
  const { valuesFiles } = resolver;
  return { scenario, at: positionsOf(document, valuesFiles), places: placesOf(document, resolve(file), valuesFiles) };
}

/**
 * Says what of a scenario the embedded cluster has no data for.
 * @throws ScenarioError of kind `not-modelled`
 */
export function assertTwinData(scenario: Scenario, shown: string): void {
  const problems: Problem[] = [];
  for (const component of ['calico', 'cilium'] as const) {
    const { version } = scenario[component];
    if (hasTwinData(component, version)) continue;
    problems.push({
      where: shown,
      line: null,
      column: null,
      path: `${component}.version`,
      message: `${version} is a release, but the twin has no data for it; it has ${twinVersions(component).join(', ')}`,
    });
  }
  if (problems.length > 0) throw new ScenarioError(problems, 'not-modelled');
}

function validated(document: ScenarioDocument): ScenarioInput {
  const result = scenarioSchema.safeParse(document.toJs());
  if (result.success) return result.data;
  const problems: Problem[] = [];
  const keys = new Set<string>();
  for (const issue of result.error.issues) {
    for (const problem of problemsOf(document, issue)) {
      // One value can miss a type in several ways; the first says it.
      if (!keys.has(problem.path)) problems.push(problem);
      keys.add(problem.path);
    }
    // Each is searched for in the document: ten thousand would take minutes.
    if (problems.length > MOST_PROBLEMS) break;
  }
  throw new ScenarioError(problems);
}

function problemsOf(document: ScenarioDocument, issue: z.core.$ZodIssue, above: Path = []): Problem[] {
  const path = [...above, ...issue.path.filter((part): part is string | number => typeof part !== 'symbol')];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    return issue.keys.slice(0, MOST_PROBLEMS + 1).map((key) => {
      const like = nearest(key, known);
      const hint = like === undefined ? `known here: ${known.join(', ')}` : `did you mean ${like}?`;
      return document.problem([...path, key], `unknown key; ${hint}`, 'key');
    });
  }
  if (issue.code === 'invalid_union') {
    // The shape that was meant is the one that fails only further inside: `[10.0.0.1/16]` is a list of CIDRs.
    const meant = issue.errors.filter((issues) => !issues.some((inner) => inner.path.length === 0 && isOfShape(inner)));
    if (meant.length === 1) return meant[0]!.flatMap((inner) => problemsOf(document, inner, path));
  }
  const value = valueAt(document.toJs(), path);
  if (path.length === 1 && path[0] === 'schemaVersion' && value === undefined) {
    return [document.problem([], 'schemaVersion is missing; write "schemaVersion: 1"')];
  }
  if (path.length === 1 && path[0] === 'name' && value === undefined) {
    return [document.problem([], 'name is missing; write one such as "name: my-cluster"')];
  }
  const shown = value === undefined ? '' : `, not ${excerpt(value)}`;
  return [document.problem(path, `${issue.message} is wanted${shown}`)];
}

/** Says this issue that the value is of another kind altogether? */
function isOfShape({ code }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union';
}

function excerpt(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}

/** Known keys of the mapping at a path of the schema. */
function keysAt(path: Path): string[] {
  let schema: unknown = scenarioSchema;
  for (const key of path) schema = shapeOf(schema)?.[String(key)];
  return Object.keys(shapeOf(schema) ?? {});
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  const def = (
    schema as
      | { def?: { type?: string; shape?: Record<string, unknown>; innerType?: unknown; options?: unknown[] } }
      | undefined
  )?.def;
  if (def === undefined) return undefined;
  if (def.type === 'object') return def.shape;
  if (def.innerType !== undefined) return shapeOf(def.innerType);
  for (const option of def.options ?? []) {
    const shape = shapeOf(option);
    if (shape !== undefined) return shape;
  }
  return undefined;
}

/** Scenario keys of Cilium and the Helm values that say the same. */
const SAME_AS_VALUES: readonly { readonly key: string; readonly values: readonly string[] }[] = [
  { key: 'podCIDR', values: ['ipam', 'operator', 'clusterPoolIPv4PodCIDRList'] },
  { key: 'maskSize', values: ['ipam', 'operator', 'clusterPoolIPv4MaskSize'] },
  { key: 'tunnelProtocol', values: ['tunnelProtocol'] },
  { key: 'tunnelPort', values: ['tunnelPort'] },
];

class Resolver {
  readonly #document: ScenarioDocument;
  readonly #input: ScenarioInput;
  readonly #file: string;
  readonly #problems: Problem[] = [];
  /** Values files by the key that names them. */
  readonly valuesFiles: ValuesFiles = new Map();

  constructor(document: ScenarioDocument, input: ScenarioInput, file: string) {
    this.#document = document;
    this.#input = input;
    this.#file = file;
  }

  resolve(): Scenario {
    const { kubernetes, cluster, calico, cilium, probes, migration, finish, gate, timeouts, preflight } = this.#input;
    const kubernetesVersion = this.#version('kubernetes', kubernetes?.version, '1.34');
    const calicoCidr = calico?.cidr ?? '192.168.0.0/16';
    const values = this.#values('values', cilium?.values);
    this.#agree(values);
    const podCIDR = cilium?.podCIDR;
    const scenario: Scenario = {
      schemaVersion: 1,
      name: this.#input.name,
      description: this.#input.description ?? '',
      providers: this.#input.providers ?? ['twin', 'kind'],
      kubernetes: { version: kubernetesVersion, image: kubernetes?.image ?? nodeImage(kubernetesVersion) ?? null },
      cluster: {
        name: cluster?.name ?? 'kind',
        controlPlanes: cluster?.controlPlanes ?? 1,
        workers: cluster?.workers ?? 4,
        podSubnet: cluster?.podSubnet ?? calicoCidr,
        serviceSubnet: cluster?.serviceSubnet ?? '10.96.0.0/16',
        nodeSubnet: cluster?.nodeSubnet ?? '172.18.0.0/16',
      },
      calico: {
        version: this.#version('calico', calico?.version, '3.31'),
        encapsulation: calico?.encapsulation ?? 'VXLANCrossSubnet',
        cidr: calicoCidr,
        autodetection: calico?.autodetection ?? 'firstFound',
        installation: (calico?.installation ?? {}) as JsonObject,
        felix: (calico?.felix ?? {}) as JsonObject,
      },
      cilium: {
        version: this.#version('cilium', cilium?.version, '1.19'),
        podCIDR: podCIDR === undefined ? null : typeof podCIDR === 'string' ? [podCIDR] : podCIDR,
        maskSize: cilium?.maskSize ?? 24,
        tunnelProtocol: cilium?.tunnelProtocol ?? 'vxlan',
        tunnelPort: cilium?.tunnelPort ?? null,
        values,
        finalValues: this.#values('finalValues', cilium?.finalValues),
      },
      probes: {
        interval: probes?.interval ?? null,
        pingTimeout: probes?.pingTimeout ?? '1s',
        image: probes?.image ?? 'docker.io/bloomberg/goldpinger:3.10.2',
        mesh: probes?.mesh ?? 'full',
        goldpinger: {
          replicas: probes?.goldpinger?.replicas ?? 10,
          replicasAfterFirstNode: probes?.goldpinger?.replicasAfterFirstNode ?? 15,
        },
      },
      workloads: this.#workloads(),
      migration: {
        setAutodetection: migration?.setAutodetection ?? 'NodeInternalIP',
        order: migration?.order ?? 'name',
        batchSize: migration?.batchSize ?? 1,
        recycle: migration?.recycle ?? 'daemons',
        drain: {
          timeout: migration?.drain?.timeout ?? '6m',
          deleteEmptyDirData: migration?.drain?.deleteEmptyDirData ?? false,
          force: migration?.drain?.force ?? false,
        },
      },
      finish: {
        policyEnforcement: finish?.policyEnforcement ?? 'default',
        removeCalico: finish?.removeCalico ?? true,
        restartNodes: finish?.restartNodes ?? true,
        restartBatch: finish?.restartBatch ?? 1,
        connectivityTest: finish?.connectivityTest
          ? { tests: finish.connectivityTest.tests ?? [], timeout: finish.connectivityTest.timeout ?? '10m' }
          : false,
      },
      gate: {
        freshSamples: gate?.freshSamples ?? 3,
        failuresToFail: gate?.failuresToFail ?? 2,
        observe: gate?.observe ?? '120s',
        settleTimeout: gate?.settleTimeout ?? '3m',
        maxDisruption: gate?.maxDisruption ?? 'unlimited',
      },
      timeouts: {
        provision: timeouts?.provision ?? '15m',
        calico: timeouts?.calico ?? '10m',
        cilium: timeouts?.cilium ?? '10m',
        agent: timeouts?.agent ?? '5m',
        remove: timeouts?.remove ?? '10m',
        restart: timeouts?.restart ?? '5m',
        apiOutage: timeouts?.apiOutage ?? '5m',
        unreadable: timeouts?.unreadable ?? '3m',
      },
      preflight: { allow: preflight?.allow ?? [] },
    };
    this.#checkOrder(scenario);
    this.#checkRules(scenario);
    for (const { path, message } of sizeProblems(scenario, this.#input)) {
      this.#problems.push(this.#document.problem(path, message));
    }
    if (this.#problems.length > 0) throw new ScenarioError(this.#problems);
    return scenario;
  }

  #version(component: Component, asked: string | undefined, fallback: string): string {
    const resolved = resolveVersion(component, asked ?? fallback);
    if ('version' in resolved) return resolved.version;
    this.#problems.push(this.#document.problem([component, 'version'], resolved.problem));
    return fallback;
  }

  #values(key: 'values' | 'finalValues', given: string | JsonObject | Record<string, Json> | undefined): JsonObject {
    if (given === undefined) return {};
    if (typeof given !== 'string') return given;
    try {
      const file = this.#path(given, ['cilium', key]);
      const document = ScenarioDocument.read(file, given, 'values');
      this.valuesFiles.set(`cilium.${key}`, { document, file });
      return document.toJs() as JsonObject;
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      this.#problems.push(this.#document.problem(['cilium', key], error.message));
      return {};
    }
  }

  #workloads(): { file: string; manifest: string }[] {
    let bytes = 0;
    return (this.#input.workloads ?? []).flatMap((file, index) => {
      try {
        const manifest = readText(this.#path(file, ['workloads', String(index)]), file, MAX_WORKLOAD_BYTES);
        bytes += manifest.length;
        if (bytes > MAX_WORKLOADS_BYTES)
          throw problemOfFile(file, `all workloads together have more than ${MAX_WORKLOADS_BYTES} bytes`);
        checkManifest(manifest, file);
        return [{ file, manifest }];
      } catch (error) {
        if (!(error instanceof ScenarioError)) throw error;
        // After one file too many the others are too many as well.
        if (bytes <= MAX_WORKLOADS_BYTES || !this.#problems.some(({ path }) => path.startsWith('workloads.'))) {
          this.#problems.push(this.#document.problem(['workloads', index], error.message));
        }
        return [];
      }
    });
  }

  /** Paths in a scenario are relative to its file; those of a value that was put over it may be to another directory. */
  #path(file: string, key: readonly string[]): string {
    return resolve(this.#document.directoryOf(key) ?? dirname(this.#file), file);
  }

  /** A key of the scenario and a Helm value that say different things: nobody could tell which one was meant. */
  #agree(values: JsonObject): void {
    for (const { key, values: path } of SAME_AS_VALUES) {
      const ours = this.#input.cilium?.[key as 'podCIDR'];
      const theirs = valueAt(values, path);
      if (ours === undefined || theirs === undefined || theirs === null) continue;
      const list = (value: unknown): string => JSON.stringify(Array.isArray(value) ? value : [value]);
      if (list(ours) === list(theirs)) continue;
      const other = this.#document.problem(['cilium', 'values', ...path], '');
      const at = other.line === null ? other.where : `${other.where}:${other.line}:${other.column}`;
      this.#problems.push(
        this.#document.problem(
          ['cilium', key],
          `${JSON.stringify(ours)} disagrees with cilium.values.${path.join('.')} = ${JSON.stringify(theirs)} (${at}); keep one of them`,
        ),
      );
    }
  }

  #checkOrder(scenario: Scenario): void {
    const { order } = scenario.migration;
    if (typeof order === 'string') return;
    const names = (role: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `${scenario.cluster.name}-${role}${i === 0 ? '' : i + 1}`);
    const nodes = [
      ...names('worker', scenario.cluster.workers),
      ...names('control-plane', scenario.cluster.controlPlanes),
    ];
    const problem = (message: string, path: Path = ['migration', 'order']): void => {
      this.#problems.push(this.#document.problem(path, message));
    };
    const known = new Set(nodes);
    const seen = new Set<string>();
    let unknown = 0;
    order.forEach((node, index) => {
      if (!known.has(node)) {
        const like = ++unknown > MOST_SUGGESTIONS ? undefined : nearest(node, nodes);
        problem(`there is no node ${node} in this cluster${like === undefined ? '' : `; did you mean ${like}?`}`, [
          'migration',
          'order',
          index,
        ]);
      } else if (seen.has(node)) {
        problem(`${node} stands twice in the order`, ['migration', 'order', index]);
      }
      seen.add(node);
    });
    const missing = nodes.filter((node) => !seen.has(node));
    if (missing.length > 0) {
      const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
      problem(`every node is wanted in the order; missing: ${missing.slice(0, 5).join(', ')}${more}`);
    }
    const firstControlPlane = order.findIndex((node) => node.startsWith(`${scenario.cluster.name}-control-plane`));
    if (
      firstControlPlane >= 0 &&
      order.slice(firstControlPlane).some((node) => node.startsWith(`${scenario.cluster.name}-worker`))
    ) {
      problem('control planes come last: they lose the API while their CNI changes');
    }
  }

  #checkRules(scenario: Scenario): void {
    scenario.preflight.allow.forEach((rule, index) => {
      if ((RULE_IDS as readonly string[]).includes(rule)) return;
      const like = nearest(rule, RULE_IDS);
      const hint = like === undefined ? `rules: ${RULE_IDS.join(', ')}` : `did you mean ${like}?`;
      this.#problems.push(this.#document.problem(['preflight', 'allow', index], `there is no rule ${rule}; ${hint}`));
    });
  }
}
