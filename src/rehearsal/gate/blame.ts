/** Why a checkpoint is red: one cause, one verdict, and a message that names pair, node and error. */
import type { FailingGroup } from '../../events/events.ts';
import type { Reason } from '../../events/verdict.ts';
import type { JudgedPair } from '../../probe/matrix.ts';
import { formatDuration } from '../../time/duration.ts';
import { brokenTool } from '../outcome.ts';
import type { Gap } from './coverage.ts';
import type { Findings, Stop } from './decide.ts';
import { explain, type GroupPair } from './groups.ts';
import type { JudgedAssertion } from './types.ts';
import type { View } from './view.ts';

export interface Blame {
  readonly verdict: 'failed' | 'error';
  readonly reason: Reason;
  /** For people; without the checkpoint's id. */
  readonly message: string;
  /** Only assertions are wrong: the blame is the own one of each checkpoint of a batch. */
  readonly byAssertion?: true;
}

/** Groups over the pairs of all probes: unhealthy ones, then those that could not be measured. */
export function groupsOf(view: View): FailingGroup[] {
  const group = (state: JudgedPair['state']): FailingGroup[] =>
    explain(
      view.probes.flatMap(({ name, judgement }) =>
        judgement.pairs.map(
          (pair): GroupPair => ({
            from: { ...pair.from, probe: name },
            to: { ...pair.to, probe: name },
            failing: pair.state === state,
          }),
        ),
      ),
    );
  return [...group('unhealthy'), ...group('unknown').map((entry) => ({ ...entry, to: `${entry.to} (not measured)` }))];
}

export function blameStop(stop: Stop, view: View): Blame {
  if (stop.kind === 'api-lost') {
    const since = formatDuration(stop.ms);
    return {
      verdict: 'failed',
      reason: 'control-plane-lost',
      message:
        view.apiDownMs === null
          ? `the Kubernetes API did not answer for ${since} (${view.apiError}) since the checkpoint before; timeouts.apiOutage is shorter`
          : `the Kubernetes API has not answered for ${since} (${view.apiError}): nothing is known of the pods`,
    };
  }
  const names = stop.sources.map(({ instance }) => `${instance.pod} on ${instance.node}`).join(', ');
  const first = stop.sources[0];
  return {
    verdict: 'failed',
    reason: 'source-blind',
    message: `cannot read ${names} by the API's proxy or from the node, for ${formatDuration(first?.ms ?? 0)}: ${first?.error ?? ''}`,
  };
}

/** The cause of a red checkpoint, the strongest first. `undefined` when nothing is wrong. */
export function blameFindings(
  findings: Findings,
  view: View,
  assertions: readonly JudgedAssertion[],
): Blame | undefined {
  const { unhealthy, unknown, gaps, overloaded, killed } = findings;
  const bad = [...unhealthy, ...unknown];
  const failing = (pairs: readonly JudgedPair[]): string => pairText(pairs, view);
  const failed = assertions.filter((assertion) => assertion.outcome === 'failed');
  const starved = (uid: string): boolean => overloaded.has(uid) || killed.has(uid);
  const starvedOnly =
    bad.every(({ from, to }) => starved(from.uid) || killed.has(to.uid)) &&
    gaps.every((gap) => gap.killed === true || (gap.uid !== undefined && starved(gap.uid)));
  if (starvedOnly && (unhealthy.length > 0 || (gaps.length > 0 && failed.length === 0))) {
    const cannot = bad.filter(({ from }) => overloaded.has(from.uid)).map(({ from }) => `${from.pod} on ${from.node}`);
    const signs = [...new Set(cannot)].sort().map((source) => `${source} cannot even ping itself`);
    signs.push(...gaps.map(({ message }) => message), ...(bad.length > 0 ? [failing(bad)] : []));
    return {
      verdict: 'error',
      reason: 'runner-overloaded',
      message: `the machine is too slow or too small: ${signs.join('; ')}`,
    };
  }
  if (unhealthy.length > 0) return { verdict: 'failed', reason: 'pairs-unhealthy', message: failing(unhealthy) };
  const noRoom = gaps.filter((gap) => gap.kind === 'unschedulable' && /Insufficient (cpu|memory)/.test(gap.message));
  if (noRoom.length > 0) return { verdict: 'error', reason: 'unschedulable', message: listGaps(noRoom) };
  if (failed.length > 0) return blameAssertions(failed);
  const notReady = gaps.filter((gap) => gap.kind !== 'coverage');
  if (notReady.length > 0) return { verdict: 'failed', reason: 'container-not-ready', message: listGaps(notReady) };
  if (unknown.length > 0) return { verdict: 'failed', reason: 'pairs-unmeasured', message: failing(unknown) };
  if (gaps.length > 0) return { verdict: 'failed', reason: 'pairs-unmeasured', message: listGaps(gaps) };
  const unjudged = assertions.filter((assertion) => assertion.outcome === 'unknown');
  if (unjudged.length === 0) return undefined;
  return blameAssertions(unjudged);
}

/** By the reason that they agree on, where they have one of their own. */
export function blameAssertions(assertions: readonly JudgedAssertion[]): Blame {
  const [reason, ...others] = new Set(assertions.map((assertion) => assertion.reason));
  return {
    verdict: 'failed',
    reason: others.length === 0 && reason !== undefined ? reason : 'assertion-failed',
    message: assertionText(assertions),
    byAssertion: true,
  };
}

/** For assertions that never answered, beside {@link blameFindings}: whose doing it is, as for an error of a step. */
export function blameSilence(errors: readonly unknown[]): Blame | undefined {
  if (errors.length === 0) return undefined;
  const texts = errors.map((error) => (error instanceof Error ? error.message : String(error)));
  const message = `could not be checked: ${[...new Set(texts)].join('; ')}`;
  const tool = errors.map(brokenTool).find((reason) => reason !== undefined);
  return tool
    ? { verdict: 'error', reason: tool, message }
    : { verdict: 'failed', reason: 'assertion-failed', message, byAssertion: true };
}

function pairText(pairs: readonly JudgedPair[], view: View): string {
  const total = view.probes.reduce((sum, { judgement }) => sum + judgement.pairs.length, 0);
  const measured = pairs.some((pair) => pair.state === 'unhealthy');
  const groups = groupsOf(view).filter((group) => group.to.endsWith('(not measured)') !== measured);
  const sentences = groups.slice(0, 4).map(({ from, to, failing, of }) => `${from} → ${to}: ${failing}/${of} failing`);
  if (groups.length > 4) sentences.push(`and ${groups.length - 4} more groups`);
  const state = measured ? 'fail' : 'could not be measured';
  return `${pairs.length} of ${total} pairs ${state}: ${sentences.join('; ')} (${commonError(pairs)})`;
}

/** The most frequent error, without the address that differs from pair to pair. */
function commonError(pairs: readonly JudgedPair[]): string {
  const counts = new Map<string, number>();
  for (const { error } of pairs) {
    const short = error.replace(/^Get "[^"]*": /, '');
    counts.set(short, (counts.get(short) ?? 0) + 1);
  }
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0]?.[0] ?? '';
}

function listGaps(gaps: readonly Gap[]): string {
  return gaps.map((gap) => gap.message).join('; ');
}

function assertionText(assertions: readonly JudgedAssertion[]): string {
  return assertions
    .map(({ id, expected, seen, subjects }) => {
      const who = subjects.length > 0 ? ` (${subjects.slice(0, 5).join(', ')})` : '';
      return `${id}: ${seen}, expected ${expected}${who}`;
    })
    .join('; ');
}
