/** The part of the fold that counts failed pings between checkpoints. */
import type { DisruptionClass, Event, ProbePod } from '../events/events.ts';
import { seconds } from './accounting.ts';
import type { DisruptionReport } from './report-types.ts';
import type { DisruptionSummary } from './story.ts';

type DisruptionEvent = Extract<Event, { type: 'disruption' }>;

interface Tally {
  stretches: number;
  failed: number;
  longestMs: number;
  longestPair: string;
  longestStep: string;
  readonly pairs: Set<string>;
}

/** In the order in which they matter. */
const CLASSES: readonly DisruptionClass[] = ['unexpected', 'install-dip', 'node-restart'];

/** How long the pair could not talk: to its recovery, or to its last failure where none was seen. Milliseconds. */
export function disruptedMs(event: Pick<DisruptionEvent, 'firstFailedAt' | 'lastFailedAt' | 'recoveredAt'>): number {
  return Date.parse(event.recoveredAt ?? event.lastFailedAt) - Date.parse(event.firstFailedAt);
}

export function pairText(from: ProbePod, to: ProbePod): string {
  return `${from.pod} on ${from.node} → ${to.pod} on ${to.node}`;
}

export class DisruptionFold {
  readonly list: DisruptionReport[] = [];
  readonly #tallies = new Map<DisruptionClass, Tally>();

  take(event: DisruptionEvent): void {
    const { probe, from, to, firstFailedAt, lastFailedAt, failed, sent, step } = event;
    this.list.push({ probe, from, to, class: event.class, firstFailedAt, lastFailedAt, failed, sent, step });
    const tally = this.#tallyOf(event.class);
    tally.stretches++;
    tally.failed += failed;
    tally.pairs.add(`${from.pod} ${to.pod}`);
    const ms = disruptedMs(event);
    if (ms <= tally.longestMs) return;
    tally.longestMs = ms;
    tally.longestPair = pairText(from, to);
    tally.longestStep = step;
  }

  summaries(): DisruptionSummary[] {
    return CLASSES.flatMap((name) => {
      const tally = this.#tallies.get(name);
      if (!tally) return [];
      const { pairs, longestMs, ...rest } = tally;
      return [{ class: name, ...rest, pairs: pairs.size, longestSeconds: seconds(longestMs) }];
    });
  }

  #tallyOf(name: DisruptionClass): Tally {
    let tally = this.#tallies.get(name);
    if (!tally) {
      tally = { stretches: 0, failed: 0, longestMs: -1, longestPair: '', longestStep: '', pairs: new Set() };
      this.#tallies.set(name, tally);
    }
    return tally;
  }
}
