/** Runs rules over facts. Pure. */
import type { RuleId } from '../scenario/rule-ids.ts';
import type { ClusterFacts, Collision, Rule, RuleResult, ScenarioFacts } from './rule.ts';

/** The message of a rule that only the cluster can answer, while there is none. */
export const LIVE_ONLY = 'only the cluster can tell: judged before Cilium is installed, and by rehearse check --live';

/** Judges what the scenario shows, every rule, in their order. */
export function judgeScenario(
  rules: readonly Rule[],
  facts: ScenarioFacts,
  allowed: readonly string[] = facts.scenario.preflight.allow,
): RuleResult[] {
  return rules.map((rule) => {
    const why = rule.judgeScenario === undefined ? LIVE_ONLY : rule.cannotTell?.(facts);
    return why === undefined
      ? resultOf(rule, rule.judgeScenario?.(facts) ?? [], allowed)
      : { rule: rule.id, outcome: 'skipped', message: why, collisions: [] };
  });
}

/**
 * Judges what the cluster shows.
 * @param before what the scenario showed; a rule that found something there already is not asked again
 * @returns results of the rules that were judged now, in their order
 */
export function judgeCluster(
  rules: readonly Rule[],
  facts: ClusterFacts,
  before: readonly RuleResult[],
  allowed: readonly string[] = facts.scenario.preflight.allow,
): RuleResult[] {
  const open = new Set(
    before.filter(({ outcome }) => outcome === 'passed' || outcome === 'skipped').map(({ rule }) => rule),
  );
  return rules.flatMap((rule) =>
    rule.judgeCluster === undefined || !open.has(rule.id) ? [] : [resultOf(rule, rule.judgeCluster(facts), allowed)],
  );
}

/** The first results, with the later ones in their place. */
export function mergeResults(before: readonly RuleResult[], later: readonly RuleResult[]): RuleResult[] {
  const byRule = new Map(later.map((result) => [result.rule, result]));
  return before.map((result) => byRule.get(result.rule) ?? result);
}

function resultOf(rule: Rule, collisions: readonly Collision[], allowed: readonly string[]): RuleResult {
  if (collisions.length === 0) return { rule: rule.id, outcome: 'passed', message: '', collisions };
  const [first, ...more] = collisions;
  const message = `${lineOf(first!)}${more.length === 0 ? '' : ` (and ${more.length} more)`}`;
  return { rule: rule.id, outcome: outcomeOf(rule, collisions, allowed), message, collisions };
}

function outcomeOf(rule: Rule, collisions: readonly Collision[], allowed: readonly string[]): RuleResult['outcome'] {
  if (rule.severity === 'finding') return 'finding';
  if (!allowed.includes(rule.id)) return 'refused';
  return collisions.some(({ allowable }) => allowable === false) ? 'refused' : 'allowed';
}

/** `lab.yaml:12:3: cilium.podCIDR: …` */
export function lineOf({ where, message }: Collision): string {
  return `${where}: ${message}`;
}

/** The subjects of all collisions, each once. */
export function subjectsOf({ collisions }: RuleResult): string[] {
  return [...new Set(collisions.flatMap(({ subjects }) => subjects))];
}

export interface Refusal {
  /** `not-modelled` where nothing but the twin stands against the scenario. */
  readonly verdict: 'refused' | 'not-modelled';
  /** One line a rule. */
  readonly message: string;
  readonly rules: readonly RuleId[];
}

/**
 * What the results say of the run; undefined: it may go on. What Cilium or Calico cannot do stays wrong on every
 * provider, so it wins over what only the twin lacks (docs/decisions/0005).
 */
export function refusalOf(results: readonly RuleResult[]): Refusal | undefined {
  const refused = results.filter(({ outcome }) => outcome === 'refused');
  if (refused.length === 0) return undefined;
  const verdict = refused.every(({ rule }) => rule === 'not-modelled') ? 'not-modelled' : 'refused';
  const lines = refused.map(({ rule, message }) => `${rule}: ${message}`);
  return { verdict, message: lines.join('\n'), rules: refused.map(({ rule }) => rule) };
}
