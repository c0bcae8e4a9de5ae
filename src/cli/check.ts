/** `rehearse check`: is the scenario sound, and what do the preflight rules say of it? Without `--live` nothing is touched. */
import { EXIT_CODES } from '../events/verdict.ts';
import { judgeScenario, refusalOf } from '../preflight/judge.ts';
import type { RuleResult } from '../preflight/rule.ts';
import { RULES } from '../preflight/rules/index.ts';
import { scenarioFacts } from '../preflight/scenario-facts.ts';
import type { ProviderName } from '../provider/create.ts';
import type { Provider, ProviderReview } from '../provider/provider.ts';
import { assertProviderData } from '../scenario/provider-data.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { rulesText } from './rules-text.ts';
import { SCENARIO_FLAGS, type ScenarioArgument, scenarioArgument } from './scenario-argument.ts';

/** How a check ends; a run's verdict where a cluster was made. */
interface Checked {
  readonly verdict: keyof typeof EXIT_CODES;
  /** Why it is not passed. */
  readonly message: string;
  readonly rules: readonly RuleResult[];
}

export const check: Command = {
  name: 'check',
  usage: 'check [SCENARIO] [--provider P] [--set PATH=VALUE]... [--allow RULE]... [--live] [--json]',
  summary: 'Judge a scenario by the preflight rules; nothing is touched unless --live is given.',
  details: [
    'Checks the schema, the versions, what the embedded cluster models of them, and every preflight rule (rehearse list',
    'rules). Exit 0: nothing refuses; 2: a rule refuses; 64: only the embedded cluster lacks something. With --provider',
    'kind no registry is asked for images: a run does that when it pulls them.',
  ].join('\n'),
  flags: {
    ...SCENARIO_FLAGS,
    live: {
      kind: 'boolean',
      help: 'Also make a cluster with Calico and the workloads, judge what it shows, and delete it.',
    },
    json: { kind: 'boolean', help: 'Print one JSON document.' },
  },
  run: async (words, output) => {
    const args = parseArguments('check', words, check.flags, 1);
    const given = scenarioArgument(args, 'check');
    const { scenario, shown, provider } = given;
    assertProviderData(scenario, shown, provider);
    const said = await wordsOf(provider);
    const review = said.review(scenario);
    const live = args.has('live');
    const checked = live
      ? await (await import('./check-live.ts')).checkLive(given, output)
      : checkStatically(given, review, said.imageExists);
    const { verdict, message, rules } = checked;
    const modelled = rules.every(({ rule, outcome }) => rule !== 'not-modelled' || outcome !== 'refused');
    if (args.has('json')) {
      const document = { file: shown, valid: true, modelled, verdict, message, live, rules, review, scenario };
      output.result(`${JSON.stringify(document, null, 2)}\n`);
    } else {
      const lines = [head(shown, scenario), rulesText(rules)];
      if (review.irrelevantValues.length > 0) {
        lines.push(`  change nothing that is rehearsed: ${review.irrelevantValues.join(', ')}`);
      }
      const refused = rules.filter(({ outcome }) => outcome === 'refused').map(({ rule }) => rule);
      const end = refused.length > 0 ? `${verdict} by ${refused.join(', ')}` : `${verdict}: ${message}`;
      lines.push(verdict === 'passed' ? 'Nothing refuses it.' : end);
      output.result(`${lines.join('\n')}\n`);
    }
    return EXIT_CODES[verdict];
  },
};

interface ProviderWords {
  readonly review: Provider['review'];
  readonly imageExists: Provider['imageExists'];
}

/** What a provider says of a scenario, without a cluster of it. */
async function wordsOf(provider: ProviderName): Promise<ProviderWords> {
  if (provider === 'kind') {
    const { reviewForKind } = await import('../provider/kind-review.ts');
    return { review: reviewForKind, imageExists: () => 'unknown' };
  }
  const { imageExistsOnTwin, reviewForTwin } = await import('../provider/twin-review.ts');
  return { review: reviewForTwin, imageExists: imageExistsOnTwin };
}

function checkStatically(
  { scenario, at, provider }: ScenarioArgument,
  review: ProviderReview,
  imageExists: Provider['imageExists'],
): Checked {
  const facts = scenarioFacts({ scenario, provider, review, imageExists, at });
  const rules = judgeScenario(RULES, facts);
  const refusal = refusalOf(rules);
  return { verdict: refusal?.verdict ?? 'passed', message: refusal?.message ?? '', rules };
}

function head(shown: string, { kubernetes, calico, cilium, cluster }: Scenario): string {
  const nodes = `${cluster.controlPlanes} + ${cluster.workers} nodes`;
  return `${shown}: valid\n  ${nodes}, Kubernetes ${kubernetes.version}, Calico ${calico.version} → Cilium ${cilium.version}\n`;
}
