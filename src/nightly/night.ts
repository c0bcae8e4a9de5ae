/** One night's results and the history of nights, as they are kept. */
import type { RunRecord } from '../compare/record.ts';

/** How a job of a night stands (docs/nightly.md). */
export const STATES = ['good', 'slower', 'regressed', 'unconfirmed', 'flaky', 'infrastructure'] as const;
export type State = (typeof STATES)[number];

/** What a night's job left: its attempts in their order; none when it left no report at all. */
export interface JobNight {
  /** The line that is followed from night to night: `lab, Cilium 1.19, Calico 3.31`. */
  readonly key: string;
  /** Exact versions of this night. */
  readonly name: string;
  readonly attempts: readonly RunRecord[];
}

export interface Entry extends JobNight {
  readonly state: State;
  /** One sentence. */
  readonly why: string;
}

export interface Night {
  /** Of the workflow; a night that is run again replaces itself. */
  readonly runId: string;
  /** RFC 3339. */
  readonly at: string;
  readonly commit: string;
  readonly url: string;
  readonly entries: readonly Entry[];
  /** Keys of which the issue speaks after this night. */
  readonly open: readonly string[];
}

export interface NightHistory {
  readonly schemaVersion: 1;
  /** The oldest first. */
  readonly nights: readonly Night[];
}

export const NO_HISTORY: NightHistory = { schemaVersion: 1, nights: [] };

/** About a year; a night of eight jobs takes some ten kilobytes. */
export const MOST_NIGHTS = 400;
/** Of older nights checkpoints are kept only where they may still be compared with. */
const FULL_NIGHTS = 30;

export class HistoryUnreadable extends Error {
  override readonly name = 'HistoryUnreadable';
}

/** @throws HistoryUnreadable: a history that cannot be read is never written over */
export function parseHistory(text: string): NightHistory {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HistoryUnreadable(`the history is no JSON (${(error as Error).message})`, { cause: error });
  }
  const history = value as Partial<NightHistory> | null;
  if (history?.schemaVersion !== 1 || !Array.isArray(history.nights) || !history.nights.every(isNight)) {
    throw new HistoryUnreadable('the history has another form than schemaVersion 1');
  }
  return history as NightHistory;
}

function isNight(value: unknown): boolean {
  const { runId, at, entries, open } = (value ?? {}) as Partial<Night>;
  const known = (state: unknown): boolean => (STATES as readonly unknown[]).includes(state);
  return (
    typeof runId === 'string' &&
    typeof at === 'string' &&
    Array.isArray(open) &&
    Array.isArray(entries) &&
    entries.every(
      (entry: Partial<Entry>) => typeof entry?.key === 'string' && known(entry.state) && Array.isArray(entry.attempts),
    )
  );
}

/** For how many nights up to the last one no job has said anything of the migration. */
export function silentNights({ nights }: NightHistory): number {
  const spoke = nights.findLastIndex(({ entries }) => entries.some(({ state }) => state !== 'infrastructure'));
  return nights.length - 1 - spoke;
}

/** The history with this night at its end, in the place of an earlier attempt at it. */
export function withNight(history: NightHistory, night: Night): NightHistory {
  const nights = [...before(history, night.runId), night].slice(-MOST_NIGHTS);
  // What a line may still be held against stays whole, however old: the last one of every state.
  const newest = new Map(
    nights.flatMap(({ runId, entries }) => entries.map(({ state, key }) => [`${state} ${key}`, runId] as const)),
  );
  const slim = (one: Night): Night => ({
    ...one,
    entries: one.entries.map((entry) =>
      newest.get(`${entry.state} ${entry.key}`) === one.runId ? entry : slimEntry(entry),
    ),
  });
  return {
    schemaVersion: 1,
    nights: nights.map((one, index) => (index < nights.length - FULL_NIGHTS ? slim(one) : one)),
  };
}

/** All nights but an earlier attempt at this one. */
export const before = (history: NightHistory, runId: string): readonly Night[] =>
  history.nights.filter((night) => night.runId !== runId);

const slimEntry = (entry: Entry): Entry => ({
  ...entry,
  attempts: entry.attempts.map((attempt) => ({ ...attempt, checkpoints: [] })),
});
