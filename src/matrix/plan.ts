/** From scenarios and version expressions to the jobs of a matrix. Pure: what can be had is handed in. */
import type { Component } from '../scenario/versions.ts';
import { capped } from './cap.ts';
import { resolveExpression } from './expression.ts';
import { asksForSupport, type Filter, leftOut } from './filter.ts';
import {
  type Excluded,
  type Job,
  type Matrix,
  nameOf,
  type ProviderName,
  slug,
  sourceText,
  type VersionSource,
} from './job.ts';
import { cannotMigrate, kubernetesFor, supportOf, whyUntested } from './support.ts';

/** GitHub takes no more jobs of one matrix (limits of GitHub Actions). */
export const MOST_JOBS = 256;

/**
 * Nodes of a kind cluster that a hosted runner (4 cores, 16 GB) can bear with two CNIs: each runs a kubelet and both agents.
 * An estimate from the memory of the parts; kind itself publishes no figure (kubernetes-sigs/kind issue 485).
 */
export const MOST_KIND_NODES = 8;

/** Letters of a scenario's path in the id of a job. */
const MOST_SCENARIO = 80;

/** What the planner needs to know of a scenario. */
export interface ScenarioFacts {
  /** As it was given. */
  readonly scenario: string;
  readonly providers: readonly ProviderName[];
  readonly nodes: number;
  readonly cilium: string;
  readonly calico: string;
  readonly kubernetes: string;
  /** An image of the scenario's own: its Kubernetes must stay. */
  readonly ownImage: boolean;
}

export interface MatrixRequest {
  readonly scenarios: readonly ScenarioFacts[];
  readonly provider: ProviderName;
  /** Version expressions; empty: the scenario's own version, for Kubernetes the one that fits. */
  readonly expressions: Readonly<Record<Component, readonly string[]>>;
  /** Versions that can be had on the provider, pre-releases too. */
  readonly available: Readonly<Record<Component, readonly string[]>>;
  readonly include: readonly Filter[];
  readonly exclude: readonly Filter[];
  /** From 1 to {@link MOST_JOBS}. */
  readonly maxJobs: number;
  /** Handed on to every job. */
  readonly set: readonly string[];
  readonly allow: readonly string[];
  readonly fault: readonly string[];
  readonly seed: number;
  readonly source: VersionSource;
}

/** An expression that stands for nothing, and never will. */
export class MatrixProblem extends Error {
  override readonly name = 'MatrixProblem';
}

/** @throws MatrixProblem */
export function planMatrix(request: MatrixRequest): Matrix {
  const notes: string[] = [];
  const versions = (component: Component): string[] | undefined => resolveAll(component, request, notes);
  const [ciliums, calicos, kuberneteses] = [versions('cilium'), versions('calico'), versions('kubernetes')];
  const jobs: Job[] = [];
  const excluded: Excluded[] = [];
  const seen = new Set<string>();
  for (const facts of request.scenarios) {
    for (const cilium of ciliums ?? [facts.cilium]) {
      for (const calico of calicos ?? [facts.calico]) {
        for (const kubernetes of kuberneteses ?? [null]) {
          const cell = cellOf(facts, { cilium, calico, kubernetes }, request);
          if (seen.has(cell.name)) continue;
          seen.add(cell.name);
          if ('reason' in cell) excluded.push(cell);
          else jobs.push(cell);
        }
      }
    }
  }
  const { kept, dropped } = capped(jobs, request.maxJobs);
  const over = dropped.map((job) => ({ ...excludedOf(job), reason: `over the cap of ${request.maxJobs} jobs` }));
  for (const filter of request.exclude) {
    if (!excluded.some(({ reason }) => reason === `--exclude ${filter.text}`)) {
      notes.push(`--exclude ${filter.text} matches no combination`);
    }
  }
  return { jobs: withUniqueIds(kept), excluded: [...excluded, ...over], notes, source: request.source };
}

/** undefined: nothing was asked, and each scenario has its own. */
function resolveAll(
  component: Component,
  { expressions, available }: MatrixRequest,
  notes: string[],
): string[] | undefined {
  if (expressions[component].length === 0) return undefined;
  const found: string[] = [];
  for (const text of expressions[component]) {
    const resolved = resolveExpression(component, text, available[component]);
    if ('problem' in resolved) throw new MatrixProblem(`--${component} ${text}: ${resolved.problem}`);
    if ('none' in resolved) notes.push(resolved.none);
    else found.push(...resolved.versions);
  }
  return [...new Set(found)];
}

interface Versions {
  readonly cilium: string;
  readonly calico: string;
  /** null: the one that fits. */
  readonly kubernetes: string | null;
}

function cellOf(facts: ScenarioFacts, asked: Versions, request: MatrixRequest): Job | Excluded {
  const { scenario } = facts;
  const pair = { cilium: asked.cilium, calico: asked.calico };
  const out = (kubernetes: string | null, reason: string): Excluded => ({
    ...excludedOf({ scenario, ...pair, kubernetes }),
    reason,
  });
  const impossible = whyImpossible(facts, pair, request);
  if (impossible !== undefined) return out(asked.kubernetes, impossible);
  const anySupport = asksForSupport(request.include);
  const chosen = kubernetesOf(facts, asked, request);
  const kubernetes = chosen.version ?? (anySupport ? facts.kubernetes : null);
  if (kubernetes === null) return out(null, chosen.version === null ? chosen.reason : '');
  if (facts.ownImage && kubernetes !== facts.kubernetes) {
    return out(kubernetes, `the scenario has a node image of its own, of Kubernetes ${facts.kubernetes}`);
  }
  const support = supportOf(pair, kubernetes);
  const reason = leftOut({ scenario, ...pair, kubernetes, support }, request);
  if (reason !== undefined) return out(kubernetes, reason);
  if (support === 'untested' && !anySupport) {
    return out(kubernetes, `${whyUntested(pair, kubernetes)}; --include support=untested rehearses it all the same`);
  }
  return {
    // The end of a path tells more than its beginning; names of files and artifacts have 255 letters at most.
    id: slug(
      `${scenario.replace(/\.ya?ml$/, '').slice(-MOST_SCENARIO)}-cilium-${pair.cilium}-calico-${pair.calico}-k8s-${kubernetes}`,
    ),
    name: nameOf({ scenario, ...pair, kubernetes }),
    scenario,
    provider: request.provider,
    ...pair,
    kubernetes,
    nodes: facts.nodes,
    support,
    set: [...request.set, ...overrides({ ...pair, kubernetes }, facts)].join('\n'),
    allow: request.allow.join('\n'),
    fault: request.fault.join('\n'),
    seed: request.seed,
    versions: sourceText(request.source),
  };
}

function whyImpossible(
  { scenario, providers, nodes }: ScenarioFacts,
  { cilium, calico }: { readonly cilium: string; readonly calico: string },
  { provider, available }: MatrixRequest,
): string | undefined {
  if (!providers.includes(provider)) {
    return `${scenario} is not meant for the provider ${provider}; its providers are ${providers.join(', ')}`;
  }
  if (provider === 'kind' && nodes > MOST_KIND_NODES) {
    return `${nodes} nodes are too many for a hosted runner, which bears ${MOST_KIND_NODES} kind nodes`;
  }
  const [lacking] = (
    [
      ['Cilium', cilium, available.cilium],
      ['Calico', calico, available.calico],
    ] as const
  ).filter(([, version, known]) => !known.includes(version));
  if (lacking !== undefined) return `${lacking[0]} ${lacking[1]} cannot be had on the provider ${provider}`;
  return cannotMigrate(cilium);
}

function kubernetesOf(
  facts: ScenarioFacts,
  { cilium, calico, kubernetes }: Versions,
  { available }: MatrixRequest,
): ReturnType<typeof kubernetesFor> {
  if (kubernetes !== null) return { version: kubernetes };
  // An image of one's own is a choice, whatever is tested with it.
  if (facts.ownImage) return { version: facts.kubernetes };
  return kubernetesFor({ cilium, calico }, facts.kubernetes, available.kubernetes);
}

/** What differs from the scenario's own versions. */
function overrides(versions: Record<Component, string>, facts: ScenarioFacts): string[] {
  return (['kubernetes', 'calico', 'cilium'] as const)
    .filter((component) => versions[component] !== facts[component])
    .map((component) => `${component}.version=${versions[component]}`);
}

const excludedOf = (cell: Omit<Excluded, 'reason' | 'name'>): Omit<Excluded, 'reason'> => ({
  name: nameOf(cell),
  scenario: cell.scenario,
  cilium: cell.cilium,
  calico: cell.calico,
  kubernetes: cell.kubernetes,
});

/** Two files of one name in different folders may come to the same letters. */
function withUniqueIds(jobs: readonly Job[]): Job[] {
  const counts = new Map<string, number>();
  return jobs.map((job) => {
    const id = job.id.toLowerCase();
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return count === 1 ? job : { ...job, id: `${job.id}-${count}` };
  });
}
