/** The rules at work in a run: judged, told in events, and the end of it where one refuses. */
import { clusterFacts } from '../preflight/cluster-facts.ts';
import { judgeCluster, judgeScenario, lineOf, mergeResults, refusalOf, subjectsOf } from '../preflight/judge.ts';
import type { RuleResult, ScenarioFacts } from '../preflight/rule.ts';
import { RULES } from '../preflight/rules/index.ts';
import { scenarioFacts } from '../preflight/scenario-facts.ts';
import { ScenarioError } from '../scenario/problem.ts';
import { RehearsalFailure } from './outcome.ts';
import type { Rehearsal } from './rehearsal.ts';

/** Judges what the scenario shows, all rules before the first refusal is thrown. @throws RehearsalFailure */
export function judgeStatically(rehearsal: Rehearsal): void {
  const facts = factsOf(rehearsal);
  const results = judgeScenario(RULES, facts);
  rehearsal.found.preflight = { facts, results };
  told(rehearsal, results, results);
}

/** Judges what the cluster shows, before Cilium is installed. @throws RehearsalFailure */
export async function judgeLive(rehearsal: Rehearsal): Promise<void> {
  const before = rehearsal.found.preflight;
  if (before === null) throw new Error('the static rules were not judged');
  const facts = await clusterFacts(rehearsal.api, before.facts, rehearsal.signal);
  const results = judgeCluster(RULES, facts, before.results);
  const all = mergeResults(before.results, results);
  rehearsal.found.preflight = { facts: before.facts, results: all };
  told(rehearsal, results, all);
}

function factsOf({ scenario, provider, at }: Rehearsal): ScenarioFacts {
  try {
    return scenarioFacts({
      scenario,
      provider: provider.name,
      review: provider.review(scenario),
      imageExists: provider.imageExists.bind(provider),
      at,
    });
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new RehearsalFailure('refused', 'scenario-invalid', error.message, { cause: error });
  }
}

function told({ emit, journal, onRules }: Rehearsal, results: readonly RuleResult[], all: readonly RuleResult[]): void {
  for (const result of results) {
    const { rule, outcome, message, collisions } = result;
    emit({ type: 'preflight', rule, outcome, message, subjects: subjectsOf(result) });
    if (outcome !== 'allowed' && outcome !== 'finding') continue;
    for (const collision of collisions) {
      const { weight = 'warning', subjects } = collision;
      journal.finding(rule, weight, lineOf(collision), subjects, undefined, outcome === 'allowed');
    }
  }
  onRules(all);
  const refusal = refusalOf(results);
  if (refusal === undefined) return;
  const reason = refusal.verdict === 'refused' ? 'rule-refused' : 'not-modelled';
  throw new RehearsalFailure(refusal.verdict, reason, refusal.message);
}
