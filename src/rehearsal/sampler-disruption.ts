/**
 * Disruption: failed pings of pairs whose two pods were there and were not being taken away, whatever the gate says.
 * Each unbroken stretch of one pair is one event, with the class that says whether anybody is to blame for it.
 */
import type { DisruptionClass, Emit, Probe } from '../events/events.ts';
import type { Instance } from '../probe/instances.ts';
import type { SeenPing } from '../probe/matrix.ts';
import { probePod } from './gate/result.ts';
import type { LongestDisruption } from './gate/view.ts';

interface Stretch {
  readonly probe: Probe;
  readonly from: Instance;
  readonly to: Instance;
  readonly class: DisruptionClass;
  readonly step: string;
  readonly firstFailedAt: number;
  lastFailedAt: number;
  failed: number;
  sent: number;
}

interface RestartWindow {
  readonly from: number;
  /** When the container had been started again; undefined while the command runs. */
  done: number | undefined;
  /** Pairs that have answered since. */
  readonly recovered: Set<string>;
}

export interface DisruptionDeps {
  readonly emit: Emit;
  /** Id of the step that runs, or ran last. */
  readonly step: () => string;
  /** Milliseconds between two pings of a pair. */
  readonly intervalMs: number;
  /** Since when a pod has had its present address, milliseconds since the epoch; undefined: it has none. */
  readonly addressSince: (uid: string) => number | undefined;
}

export class DisruptionLog {
  readonly #deps: DisruptionDeps;
  readonly #open = new Map<string, Stretch>();
  readonly #restarts = new Map<string, RestartWindow>();
  #dip: { readonly from: number; until: number | undefined } | undefined;
  #counting = false;
  #longest: LongestDisruption | null = null;

  constructor(deps: DisruptionDeps) {
    this.#deps = deps;
  }

  /** A checkpoint was green: from the first one on failures count, and restarted nodes have recovered. */
  settled(): void {
    this.#counting = true;
    for (const [node, window] of [...this.#restarts]) if (window.done !== undefined) this.#restarts.delete(node);
  }

  restarting(node: string, now: number): void {
    this.#restarts.set(node, { from: now, done: undefined, recovered: new Set() });
  }

  restarted(node: string, now: number): void {
    const window = this.#restarts.get(node);
    if (window) window.done = now;
    else this.#restarts.set(node, { from: now, done: now, recovered: new Set() });
  }

  dipStarts(now: number): void {
    this.#dip = { from: now, until: undefined };
  }

  dipEnds(now: number): void {
    if (this.#dip) this.#dip.until = now;
  }

  /** It had not ended: what has failed since the end that was told, and still does, belongs to it. */
  dipResumes(): void {
    if (!this.#dip) return;
    const { until } = this.#dip;
    this.#dip.until = undefined;
    for (const [key, stretch] of this.#open) {
      if (until !== undefined && stretch.class === 'unexpected' && stretch.firstFailedAt > until) {
        this.#open.set(key, { ...stretch, class: 'install-dip' });
      }
    }
  }

  /** Every distinct ping of a pair that is expected now, in the order in which it was read. */
  ping(probe: Probe, ping: SeenPing): void {
    if (!this.#counting || ping.from.uid === ping.to.uid) return;
    // Nothing open and no node restarting: a good ping, which nearly all are, changes nothing.
    if (ping.ok && this.#open.size === 0 && this.#restarts.size === 0) return;
    const key = `${ping.from.uid}>${ping.to.uid}`;
    const stretch = this.#open.get(key);
    if (ping.ok === null) {
      // No call was made: neither a failure nor its end.
      if (stretch) stretch.sent++;
      return;
    }
    if (ping.ok) {
      this.#recovered(key, ping);
      if (stretch && ping.at > stretch.lastFailedAt) this.#close(key, stretch, ping.at);
      return;
    }
    if (stretch) {
      stretch.lastFailedAt = Math.max(stretch.lastFailedAt, ping.at);
      stretch.failed++;
      stretch.sent++;
    } else if (this.#existed(ping)) {
      this.#open.set(key, {
        probe,
        from: ping.from,
        to: ping.to,
        class: this.#classOf(key, ping),
        step: this.#deps.step(),
        firstFailedAt: ping.at,
        lastFailedAt: ping.at,
        failed: 1,
        sent: 1,
      });
    }
  }

  /** Ends the stretches of pairs of which a pod is gone or going. */
  expect(uids: ReadonlySet<string>): void {
    if (this.#open.size === 0) return;
    for (const [key, stretch] of [...this.#open]) {
      if (!uids.has(stretch.from.uid) || !uids.has(stretch.to.uid)) this.#close(key, stretch, undefined);
    }
  }

  /** The run is over: what is still failing is told. */
  end(): void {
    for (const [key, stretch] of [...this.#open]) this.#close(key, stretch, undefined);
  }

  /** The longest unbroken failing time of class `unexpected`, those that still last included. */
  longestUnexpected(): LongestDisruption | null {
    let longest = this.#longest;
    for (const stretch of this.#open.values()) longest = longer(longest, stretch, stretch.lastFailedAt);
    return longest;
  }

  #existed(ping: SeenPing): boolean {
    const latest = ping.at - this.#deps.intervalMs;
    return [ping.from, ping.to].every(({ uid }) => {
      const since = this.#deps.addressSince(uid);
      return since !== undefined && since <= latest;
    });
  }

  #classOf(key: string, ping: SeenPing): DisruptionClass {
    for (const { node } of [ping.from, ping.to]) {
      const window = this.#restarts.get(node);
      if (window && ping.at >= window.from && !window.recovered.has(key)) return 'node-restart';
    }
    const dip = this.#dip;
    if (dip && ping.at >= dip.from && (dip.until === undefined || ping.at <= dip.until)) return 'install-dip';
    return 'unexpected';
  }

  #recovered(key: string, ping: SeenPing): void {
    for (const { node } of [ping.from, ping.to]) {
      const window = this.#restarts.get(node);
      if (window?.done !== undefined && ping.at > window.done) window.recovered.add(key);
    }
  }

  #close(key: string, stretch: Stretch, recoveredAt: number | undefined): void {
    this.#open.delete(key);
    this.#longest = longer(this.#longest, stretch, recoveredAt ?? stretch.lastFailedAt);
    this.#deps.emit({
      type: 'disruption',
      probe: stretch.probe,
      from: probePod(stretch.from),
      to: probePod(stretch.to),
      class: stretch.class,
      firstFailedAt: new Date(stretch.firstFailedAt).toISOString(),
      lastFailedAt: new Date(stretch.lastFailedAt).toISOString(),
      ...(recoveredAt === undefined ? {} : { recoveredAt: new Date(recoveredAt).toISOString() }),
      failed: stretch.failed,
      sent: stretch.sent,
      step: stretch.step,
    });
  }
}

function longer(longest: LongestDisruption | null, stretch: Stretch, end: number): LongestDisruption | null {
  const ms = end - stretch.firstFailedAt;
  if (stretch.class !== 'unexpected' || (longest && longest.ms >= ms)) return longest;
  const { from, to, step } = stretch;
  return { ms, pair: `${from.pod} on ${from.node} → ${to.pod} on ${to.node}`, step };
}
