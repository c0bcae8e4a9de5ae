/** Did a run with a fault end as it must? Pure: the run's own record against the expectation, blame included. */
import type { Event, FailingPair } from '../events/events.ts';
import type { RuleId } from '../scenario/rule-ids.ts';
import type { Blame, Expectation, Outcome } from './fault.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

export interface Judgement {
  /** The run's end in the words of an {@link Outcome}; of what can be no outcome its verdict. */
  readonly observed: string;
  /** Where it was caught: the checkpoint that failed, the rule that refused, or empty. */
  readonly caughtAt: string;
  /** Who is blamed, for people. */
  readonly blamed: string;
  /** Sentences that say what is not as expected; empty: all is. */
  readonly deviations: readonly string[];
}

/**
 * Holds the events of a run, up to its verdict, against what was expected of it.
 * @param rule the one in the fault's way, whose finding makes a passed run `latent`; null: any that was allowed
 */
export function judge(events: readonly Event[], expectation: Expectation, rule: RuleId | null = null): Judgement {
  const verdict = events.findLast((event): event is Of<'verdict'> => event.type === 'verdict');
  if (!verdict) return { observed: 'no verdict', caughtAt: '', blamed: '', deviations: ['the run has no verdict'] };
  const observed = observedOutcome(events, verdict, expectation.outcome, rule);
  const checkpoint = events.findLast(
    (event): event is Of<'checkpoint'> => event.type === 'checkpoint' && event.id === verdict.failedCheckpoint,
  );
  const deviations = isAs(observed, expectation.outcome)
    ? []
    : [`expected ${expectation.outcome}, but it ended ${observed} (${verdict.reason}: ${verdict.message})`];
  if (expectation.blame) deviations.push(...wrongBlame(events, verdict, checkpoint, expectation.blame));
  return {
    observed,
    caughtAt: verdict.failedCheckpoint ?? refusingRule(events, rule) ?? '',
    blamed: blamed(verdict, checkpoint, events),
    deviations,
  };
}

/** The run's end in the words of an outcome. `latent` is a passed run in which an allowed refusal was told. */
function observedOutcome(
  events: readonly Event[],
  verdict: Of<'verdict'>,
  expected: Outcome,
  rule: RuleId | null,
): string {
  switch (verdict.verdict) {
    case 'passed':
      return expected === 'latent' && hasAllowedFinding(events, rule) ? 'latent' : 'passed';
    case 'failed':
      return `failed:${verdict.failedCheckpoint ?? '?'}`;
    case 'error':
      return `error:${verdict.reason}`;
    case 'refused':
      return `refused:${refusingRule(events, rule) ?? verdict.reason}`;
    default:
      return verdict.verdict;
  }
}

function hasAllowedFinding(events: readonly Event[], rule: RuleId | null): boolean {
  const own = (id: string): boolean => rule === null || id === rule;
  return events.some(
    (event) =>
      (event.type === 'preflight' && event.outcome === 'allowed' && own(event.rule)) ||
      (event.type === 'finding' && event.allowed && own(event.id)),
  );
}

/** The fault's own rule where it is among those that refused, else the first of them. */
function refusingRule(events: readonly Event[], own: RuleId | null): string | undefined {
  const refused = events.flatMap((event) =>
    event.type === 'preflight' && event.outcome === 'refused' ? [event.rule] : [],
  );
  return refused.find((rule) => rule === own) ?? refused[0];
}

function isAs(observed: string, expected: Outcome): boolean {
  return expected.endsWith('/*') ? observed.startsWith(expected.slice(0, -1)) : observed === expected;
}

function wrongBlame(
  events: readonly Event[],
  verdict: Of<'verdict'>,
  checkpoint: Of<'checkpoint'> | undefined,
  blame: Blame,
): string[] {
  const wrong: string[] = [];
  const at = verdict.failedCheckpoint ?? 'no checkpoint';
  if (blame.reasons && !blame.reasons.includes(verdict.reason)) {
    wrong.push(`the reason is ${verdict.reason}, not ${blame.reasons.join(' or ')}`);
  }
  const said = withoutPlace(verdict.message);
  for (const name of blame.names ?? []) {
    if (!names(said, name)) wrong.push(`the message does not name ${name}: ${verdict.message}`);
  }
  const failed = failedAssertions(events, verdict);
  for (const id of blame.assertions ?? []) {
    if (!failed.has(id)) wrong.push(`${id} did not fail at ${at} (failed: ${[...failed].join(', ') || 'none'})`);
  }
  const pairs = (checkpoint?.failing ?? []).filter(({ state }) => state === 'unhealthy');
  // Pairs that fail beside it for a moment (agents compile) are no blame; a verdict that blames pairs is.
  if (blame.noPairs && verdict.reason === 'pairs-unhealthy' && pairs.length > 0)
    wrong.push(`no pair should fail at ${at}, but ${pairText(pairs[0]!)} does`);
  if (blame.pairs && pairs.length === 0) wrong.push(`no pair fails at ${at}`);
  for (const may of [blame.pairs, blame.pairsIfAny]) {
    if (may === undefined) continue;
    for (const pair of pairs) if (!may(pair)) wrong.push(`${pairText(pair)} fails at ${at} and should not`);
  }
  for (const { what, pair } of blame.kindsOfPairs ?? []) {
    if (!pairs.some(pair)) wrong.push(`no pair ${what} fails at ${at}`);
  }
  return wrong;
}

/** `switched/kind-worker: agent/kind-worker: …` without where it happened, which names the node whatever is to blame. */
function withoutPlace(message: string): string {
  return message.replace(/^(?:[a-z-]+(?:\/[\w.-]+)?: )+/, '');
}

/** As a word of its own: `kind-worker` is not named by `kind-worker2`. */
function names(message: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`).test(message);
}

function failedAssertions(events: readonly Event[], { failedCheckpoint }: Of<'verdict'>): Set<string> {
  return new Set(
    events.flatMap((event) =>
      event.type === 'assertion' && event.checkpoint === failedCheckpoint && event.outcome === 'failed'
        ? [event.id]
        : [],
    ),
  );
}

function pairText({ from, to }: FailingPair): string {
  return `${from.node} (${from.cni} ${from.ip}) → ${to.node} (${to.cni} ${to.ip})`;
}

function blamed(verdict: Of<'verdict'>, checkpoint: Of<'checkpoint'> | undefined, events: readonly Event[]): string {
  if (verdict.verdict === 'passed') return '';
  const unhealthy = (checkpoint?.failing ?? []).filter(({ state }) => state === 'unhealthy');
  const group = unhealthy.length > 0 ? checkpoint?.groups[0] : undefined;
  if (group) return `${group.from} → ${group.to} (${group.failing} of ${group.of})`;
  const assertions = [...failedAssertions(events, verdict)];
  if (assertions.length > 0) return assertions.join(', ');
  return verdict.reason;
}
