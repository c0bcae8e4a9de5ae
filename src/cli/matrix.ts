/** `rehearse matrix`: scenarios × versions as jobs, for GitHub or run here. */

import { expressionsOf } from '../matrix/expression.ts';
import { FilterError, parseFilter } from '../matrix/filter.ts';
import type { Matrix, ProviderName, VersionSource } from '../matrix/job.ts';
import { MatrixProblem, MOST_JOBS, planMatrix, type ScenarioFacts } from '../matrix/plan.ts';
import { CHART_INDEX, publishedCilium } from '../matrix/published.ts';
import { excludedText, githubMatrix, matrixText } from '../matrix/text.ts';
import { readScenario } from '../scenario/read.ts';
import { type Component, knownVersions, nodeImage, twinVersions } from '../scenario/versions.ts';
import { locate, MAX_SEED, overrideOf, ruleOf, withFaults } from '../session/scenario-choice.ts';
import type { Clock } from '../time/clock.ts';
import { WallClock } from '../time/wall-clock.ts';
import { type Arguments, choiceFlag, type Flags, numberFlag, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import type { Output } from './output.ts';
import { SCENARIO_FLAGS } from './scenario-argument.ts';
import { commandLine, UsageError } from './usage.ts';

const MOST_SCENARIOS = 100;
const BUNDLED = 'bundled';

const expression = (what: string): Flags[string] => ({
  kind: 'list',
  value: 'EXPR',
  help: `Versions of ${what}: exact, a minor, latest, last-N or next (the newest pre-release); may be repeated.`,
});

const FLAGS: Flags = {
  ...SCENARIO_FLAGS,
  provider: { kind: 'value', value: 'twin|kind', help: 'Where the jobs are meant to run (default twin).' },
  cilium: expression('Cilium'),
  calico: expression('Calico'),
  kubernetes: expression('Kubernetes (left out: one that both are tested with)'),
  include: {
    kind: 'list',
    value: 'KEY=V[,KEY=V]',
    help: 'Only such combinations; keys: scenario, cilium, calico, kubernetes, support. May be repeated.',
  },
  exclude: { kind: 'list', value: 'KEY=V[,KEY=V]', help: 'No such combinations; may be repeated.' },
  'max-jobs': { kind: 'value', value: 'N', help: `At most so many jobs (default ${MOST_JOBS}).` },
  index: {
    kind: 'value',
    value: 'URL|bundled',
    help: 'Index of Cilium charts for --provider kind (default: the published one); bundled: no network.',
  },
  json: { kind: 'boolean', help: "Print GitHub's matrix as one JSON document; with --run the results." },
  run: { kind: 'boolean', help: 'Run the jobs here and merge their results.' },
  jobs: { kind: 'value', value: 'N', help: 'With --run: so many at a time (default: as many as cores).' },
  report: { kind: 'value', value: 'DIR', help: 'With --run: where the reports go (default rehearsal-report/).' },
};

export const matrix: Command = {
  name: 'matrix',
  usage: 'matrix [SCENARIO...] [--cilium EXPR]... [--calico EXPR]... [--kubernetes EXPR]... [FLAGS]',
  summary: 'Make jobs of scenarios and versions, for GitHub (--json) or run here (--run).',
  details: [
    'Leaves out, each with its reason, what cannot work: scenarios for another provider or too large for the runner, versions',
    'that cannot be had, and pairs that no Kubernetes is tested with (--include support=untested rehearses those too).',
    '--run exits with the worst of its runs: 130, 1, 3, 64, 2, 0 in this order.',
  ].join('\n'),
  flags: FLAGS,
  run: async (words, output) => {
    const { args, planned } = await planOf(words, output);
    if (args.has('run')) {
      const { runMatrix } = await import('./matrix-run.ts');
      return runMatrix(planned, args, output);
    }
    print(planned, args.has('json'), output);
    return 0;
  },
};

/**
 * The matrix that these words ask for. With no job left it says what was left out, and refuses.
 * @throws UsageError, ScenarioError
 */
export async function planOf(
  words: readonly string[],
  output: Pick<Output, 'message'>,
): Promise<{ readonly args: Arguments; readonly planned: Matrix }> {
  const args = parseArguments('matrix', words, FLAGS, MOST_SCENARIOS);
  if (!args.has('run')) {
    for (const flag of ['jobs', 'report']) {
      if (args.has(flag)) throw new UsageError(`--${flag} needs --run`, 'matrix');
    }
  }
  const planned = await plannedMatrix(args, new WallClock());
  if (planned.jobs.length === 0) {
    output.message(excludedText(planned));
    throw new UsageError('no combination is left', 'matrix');
  }
  return { args, planned };
}

function print(planned: Matrix, json: boolean, output: Output): void {
  if (json) {
    output.result(`${JSON.stringify(githubMatrix(planned))}\n`);
    output.message(excludedText(planned));
  } else {
    output.result(matrixText(planned));
  }
}

/** @throws UsageError, ScenarioError: everything is checked before anything is asked of the network */
async function plannedMatrix(args: Arguments, clock: Clock): Promise<Matrix> {
  const provider = choiceFlag(args, 'provider', 'matrix', ['twin', 'kind']) ?? 'twin';
  const seed = numberFlag(args, 'seed', 'matrix', 0, MAX_SEED) ?? 1;
  const maxJobs = numberFlag(args, 'max-jobs', 'matrix', 1, MOST_JOBS) ?? MOST_JOBS;
  const allow = args.list('allow').map((rule) => ruleOf(rule, commandLine('matrix')));
  const set = args.list('set');
  const scenarios = (args.positionals.length === 0 ? ['lab'] : args.positionals).map((word) =>
    factsOf(word, args, { provider, seed }),
  );
  try {
    const filters = (flag: 'include' | 'exclude') => args.list(flag).map((text) => parseFilter(`--${flag}`, text));
    const request = {
      ...{ scenarios: [...new Map(scenarios.map((facts) => [facts.scenario, facts])).values()], provider },
      expressions: {
        cilium: expressionsOf(args.list('cilium')),
        calico: expressionsOf(args.list('calico')),
        kubernetes: expressionsOf(args.list('kubernetes')),
      },
      ...{ include: filters('include'), exclude: filters('exclude'), maxJobs },
      ...{ set, allow, fault: args.list('fault'), seed },
    };
    return planMatrix({ ...request, ...(await availableOn(provider, args.value('index'), clock)) });
  } catch (error) {
    if (error instanceof FilterError || error instanceof MatrixProblem) throw new UsageError(error.message, 'matrix');
    throw error;
  }
}

/** Reads and checks a scenario with what the command line puts into it. @throws UsageError, ScenarioError */
function factsOf(
  word: string,
  args: Arguments,
  { provider, seed }: { provider: ProviderName; seed: number },
): ScenarioFacts {
  const { file, shown } = locate(word, commandLine('matrix'));
  const overrides = args.list('set').map((text) => overrideOf(text, commandLine('matrix')));
  const scenario = readScenario(file, shown, overrides);
  if (scenario.providers.includes(provider)) {
    withFaults(scenario, args.list('fault'), { seed, provider, source: commandLine('matrix') });
  }
  const { kubernetes, calico, cilium, cluster } = scenario;
  return {
    scenario: word,
    providers: scenario.providers,
    nodes: cluster.controlPlanes + cluster.workers,
    cilium: cilium.version,
    calico: calico.version,
    kubernetes: kubernetes.version,
    ownImage: kubernetes.image !== (nodeImage(kubernetes.version) ?? null),
  };
}

interface Available {
  readonly available: Readonly<Record<Component, readonly string[]>>;
  readonly source: VersionSource;
}

/** What can be had: on the twin what it has data for, on kind what is published. */
async function availableOn(provider: ProviderName, index: string | undefined, clock: Clock): Promise<Available> {
  if (provider === 'twin') {
    if (index !== undefined && index !== BUNDLED) {
      throw new UsageError('--index is for --provider kind: the embedded cluster has its own versions', 'matrix');
    }
    return {
      available: {
        cilium: twinVersions('cilium'),
        calico: twinVersions('calico'),
        kubernetes: knownVersions('kubernetes'),
      },
      source: { cilium: 'bundled', detail: 'those that the embedded cluster has data for' },
    };
  }
  const bundled = knownVersions('cilium');
  const others = { calico: knownVersions('calico'), kubernetes: knownVersions('kubernetes') };
  const url = index ?? CHART_INDEX;
  if (url === BUNDLED) {
    return { available: { cilium: bundled, ...others }, source: { cilium: 'bundled', detail: 'as asked' } };
  }
  if (!/^https?:\/\/./.test(url)) {
    throw new UsageError(`--index ${url}: an http or https URL or the word bundled is wanted`, 'matrix');
  }
  const mustHave = bundled.find((version) => !version.includes('-'))!;
  const published = await publishedCilium({ url, clock, mustHave });
  if ('problem' in published) {
    return {
      available: { cilium: bundled, ...others },
      source: { cilium: 'bundled', detail: `the published index cannot be had: ${published.problem}` },
    };
  }
  return { available: { cilium: published.versions, ...others }, source: { cilium: 'published', detail: url } };
}
