/** Where the time went. Every millisecond of a run is charged once, whatever overlaps. */
import { ACCOUNTS, type Account } from '../events/events.ts';

/** A stretch of time, in milliseconds since the epoch. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

export interface Charge extends Interval {
  readonly account: Account;
}

/**
 * Milliseconds per account between `from` and `to`; they add up to `to - from`. Where charges overlap (the nodes of a
 * batch, a step within a step) the one that began last is charged; what none covers is overhead.
 */
export function settleAccounts(charges: readonly Charge[], from: number, to: number): Record<Account, number> {
  const totals = Object.fromEntries(ACCOUNTS.map((account) => [account, 0])) as Record<Account, number>;
  const inside = charges
    .map(({ account, start, end }) => ({ account, start: Math.max(start, from), end: Math.min(end, to) }))
    .filter(({ start, end }) => end > start)
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const moments = [...new Set(inside.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  let next = 0;
  let open: typeof inside = [];
  for (const [index, moment] of moments.slice(0, -1).entries()) {
    open = open.filter(({ end }) => end > moment);
    while (next < inside.length && inside[next]!.start <= moment) open.push(inside[next++]!);
    const latest = open.at(-1);
    if (latest) totals[latest.account] += moments[index + 1]! - moment;
  }
  const charged = ACCOUNTS.reduce((sum, account) => sum + totals[account], 0);
  totals.overhead += Math.max(0, to - from) - charged;
  return totals;
}

/** Milliseconds that are in at least one of the intervals. */
export function union(intervals: readonly Interval[]): number {
  let total = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const { start, end } of [...intervals].sort((a, b) => a.start - b.start)) {
    if (end <= Math.max(start, reached)) continue;
    total += end - Math.max(start, reached);
    reached = end;
  }
  return total;
}

/** Milliseconds as seconds with at most three decimals. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1_000;
}
