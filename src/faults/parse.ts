/** `--fault NAME[:KEY=VALUE[,KEY=VALUE]...]`: what is meant, held against the catalogue, the nodes and the plan. */
import type { ClusterNode } from '../cni/kind-config.ts';
import { nearest } from '../scenario/nearest.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { parseDuration } from '../time/duration.ts';
import { differingPaths } from './differing-paths.ts';
import { FAULT_KEYS, type Fault, type FaultArgs, type FaultArgument, type FaultKey } from './fault.ts';

/** A fault that cannot be meant: one clear sentence. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
}

export interface ChosenFault {
  readonly fault: Fault;
  /** Defaults filled in. */
  readonly args: FaultArgs;
  /** `NAME:KEY=VALUE,…` as it was asked for. */
  readonly spec: string;
}

/** Where a fault is injected: the beginning of a step, or right after a checkpoint has passed. */
export interface Start {
  readonly type: 'step' | 'checkpoint';
  readonly id: string;
}

export interface PlannedFault extends ChosenFault {
  /** null: the scenario alone makes it. */
  readonly start: Start | null;
  /** Milliseconds after which it is healed; null: never. */
  readonly healAfterMs: number | null;
}

/** Ids that a run goes through. */
export interface PlanIds {
  readonly steps: readonly string[];
  readonly checkpoints: readonly string[];
}

/** @throws FaultError naming what is known */
export function faultNamed(name: string, catalogue: readonly Fault[], flag = '--fault'): Fault {
  const found = catalogue.find((fault) => fault.name === name);
  if (found) return found;
  const names = catalogue.map((fault) => fault.name);
  throw new FaultError(`${flag} ${name}: there is no such fault${didYouMean(name, names)} (rehearse list faults)`);
}

/**
 * What the texts of `--fault` mean.
 * @param nodes in the order of migration
 * @throws FaultError
 */
export function parseFaults(
  specs: readonly string[],
  catalogue: readonly Fault[],
  nodes: readonly ClusterNode[],
  provider: 'twin' | 'kind',
): ChosenFault[] {
  const chosen = specs.map((spec) => parseFault(spec, catalogue, nodes, provider));
  const seen = new Set<string>();
  for (const { fault, args, spec } of chosen) {
    const same = JSON.stringify([fault.name, Object.entries(args).sort()]);
    if (seen.has(same)) throw new FaultError(`--fault ${spec}: the same fault is asked for twice`);
    seen.add(same);
  }
  return chosen;
}

function parseFault(
  spec: string,
  catalogue: readonly Fault[],
  nodes: readonly ClusterNode[],
  provider: 'twin' | 'kind',
): ChosenFault {
  const colon = spec.indexOf(':');
  const fault = faultNamed(colon < 0 ? spec : spec.slice(0, colon), catalogue);
  if (!fault.providers.includes(provider)) {
    throw new FaultError(
      `--fault ${fault.name}: it cannot be made with --provider ${provider}, only with ${fault.providers.join(' or ')}`,
    );
  }
  const given = new Map<FaultKey, string>();
  if (colon >= 0) {
    for (const part of spec.slice(colon + 1).split(',')) {
      const [key, value] = pairOf(part, spec, fault);
      if (given.has(key)) throw new FaultError(`--fault ${spec}: ${key} is given twice`);
      given.set(key, checked(key, value, spec, argumentsOf(fault)[key]!, nodes));
    }
  }
  return { fault, args: filledIn(fault, given, spec, nodes), spec };
}

/** What the fault takes: whatever is injected may start elsewhere. */
export function argumentsOf(fault: Fault): Readonly<Partial<Record<FaultKey, FaultArgument>>> {
  if (fault.inject === undefined || fault.arguments.at !== undefined) return fault.arguments;
  return { ...fault.arguments, at: { help: 'the step at whose beginning, or the checkpoint after which, it starts' } };
}

function pairOf(part: string, spec: string, fault: Fault): [FaultKey, string] {
  const at = part.indexOf('=');
  const name = at < 0 ? part : part.slice(0, at);
  const value = at < 0 ? '' : part.slice(at + 1);
  if (name === '') throw new FaultError(`--fault ${spec}: an argument reads KEY=VALUE`);
  const takes = FAULT_KEYS.filter((key) => argumentsOf(fault)[key] !== undefined);
  const key = takes.find((known) => known === name);
  if (key === undefined) {
    const all = takes.length === 0 ? 'it takes none' : `it takes ${takes.join(', ')}`;
    throw new FaultError(`--fault ${spec}: ${fault.name} has no argument ${name}${didYouMean(name, takes)}; ${all}`);
  }
  if (value === '') throw new FaultError(`--fault ${spec}: ${key} needs a value: ${key}=VALUE`);
  return [key, value];
}

function checked(
  key: FaultKey,
  value: string,
  spec: string,
  argument: FaultArgument,
  nodes: readonly ClusterNode[],
): string {
  if (argument.values !== undefined && !argument.values.includes(value)) {
    throw new FaultError(
      `--fault ${spec}: ${key} is one of ${argument.values.join(', ')}${didYouMean(value, argument.values)}`,
    );
  }
  if (key === 'node' || key === 'from' || key === 'to') {
    const names = nodes.map((node) => node.name);
    if (!names.includes(value)) {
      throw new FaultError(
        `--fault ${spec}: this scenario has no node ${value}${didYouMean(value, names)} (nodes: ${listed(names)})`,
      );
    }
  }
  if (key === 'for') {
    const ms = parseDuration(value);
    if (ms === undefined || ms <= 0) throw new FaultError(`--fault ${spec}: for is a duration such as 20s or 5m`);
  }
  return value;
}

function filledIn(
  fault: Fault,
  given: ReadonlyMap<FaultKey, string>,
  spec: string,
  nodes: readonly ClusterNode[],
): FaultArgs {
  const args: Partial<Record<FaultKey, string>> = {};
  for (const key of FAULT_KEYS) {
    const argument = argumentsOf(fault)[key];
    if (argument === undefined) continue;
    const value = given.get(key) ?? (argument.required ? undefined : fallbackOf(key, argument, nodes));
    if (value !== undefined) args[key] = value;
    else if (argument.required) {
      const like = argument.values === undefined ? '' : `: ${key}=${argument.values.join(` or ${key}=`)}`;
      throw new FaultError(`--fault ${spec}: ${fault.name} needs ${key}${like} (${argument.help})`);
    }
  }
  if (args.from !== undefined && args.from === args.to) {
    throw new FaultError(`--fault ${spec}: from and to are the same node`);
  }
  return args;
}

function fallbackOf(key: FaultKey, argument: FaultArgument, nodes: readonly ClusterNode[]): string | undefined {
  if (argument.fallback) return argument.fallback(nodes);
  return key === 'node' ? nodes[0]?.name : undefined;
}

/**
 * The scenario with all configuration faults in it.
 * @throws FaultError when one does not fit the scenario, or two of them want the same key otherwise
 */
export function changedByFaults(
  scenario: Scenario,
  chosen: readonly ChosenFault[],
  nodes: readonly ClusterNode[],
): Scenario {
  let changed = scenario;
  const takenBy = new Map<string, string>();
  for (const { fault, args, spec } of chosen) {
    const unfit = fault.unfit?.(scenario, args, nodes) ?? null;
    if (unfit !== null) throw new FaultError(`--fault ${spec}: ${unfit}`);
    if (fault.kind !== 'configuration') continue;
    for (const path of differingPaths(scenario, fault.change(scenario, args, nodes))) {
      const other = takenBy.get(path);
      if (other !== undefined) throw new FaultError(`--fault ${spec}: it changes ${path}, and so does ${other}`);
      takenBy.set(path, spec);
    }
    changed = fault.change(changed, args, nodes);
  }
  return changed;
}

/** Keys of the scenario that each configuration fault changes, with the fault's text. */
export function keysOfFaults(
  scenario: Scenario,
  chosen: readonly ChosenFault[],
  nodes: readonly ClusterNode[],
): ReadonlyMap<string, string> {
  return new Map(
    chosen.flatMap(({ fault, args, spec }) =>
      fault.kind === 'configuration'
        ? differingPaths(scenario, fault.change(scenario, args, nodes)).map((path) => [path, spec] as const)
        : [],
    ),
  );
}

/**
 * Where each starts in this plan.
 * @throws FaultError when the plan has no such step or checkpoint
 */
export function plannedFaults(
  chosen: readonly ChosenFault[],
  nodes: readonly ClusterNode[],
  plan: PlanIds,
): PlannedFault[] {
  return chosen.map((one) => {
    const { fault, args, spec } = one;
    const healAfterMs = args.for === undefined ? null : (parseDuration(args.for) ?? null);
    if (fault.inject === undefined || fault.starts === undefined) return { ...one, start: null, healAfterMs };
    return { ...one, start: startOf(args.at ?? fault.starts(args, nodes), spec, plan), healAfterMs };
  });
}

function startOf(wanted: string, spec: string, plan: PlanIds): Start {
  const matches = wanted.endsWith('/*')
    ? (id: string): boolean => id.startsWith(wanted.slice(0, -1))
    : (id: string): boolean => id === wanted;
  const step = plan.steps.find(matches);
  if (step !== undefined) return { type: 'step', id: step };
  const checkpoint = plan.checkpoints.find(matches);
  if (checkpoint !== undefined) return { type: 'checkpoint', id: checkpoint };
  const ids = [...plan.steps, ...plan.checkpoints];
  const kinds = new Set(ids.filter((id) => id.includes('/')).map((id) => `${id.split('/')[0]}/*`));
  throw new FaultError(
    `--fault ${spec}: this scenario has no step and no checkpoint ${wanted}${didYouMean(wanted, [...ids, ...kinds])} (rehearse plan shows them)`,
  );
}

function didYouMean(word: string, candidates: readonly string[]): string {
  const like = nearest(word, candidates);
  return like === undefined ? '' : `; did you mean ${like}?`;
}

const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
