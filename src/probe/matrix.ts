/**
 * The source × destination matrix of one probe: which ordered pairs of pods can reach each other, judged by freshness.
 *
 * Pure: it is fed with the expected instances and with readings, and is asked. A pair is
 * - healthy   when its last `freshSamples` distinct pings all started after the change and were all good,
 * - unhealthy when its last `failuresToFail` distinct pings all started after the change and all failed,
 * - unknown   otherwise: nothing missing, stale or unaskable is ever green.
 *
 * Pairs of a source to itself are kept aside (`selfFailing`): such a ping never leaves the pod, so it says nothing of the
 * network, only whether the machine gives the pod any time at all (observed: 2 of 52 pings of an install dip).
 */
import { type PeerPing, saysNothing } from './check.ts';
import type { Instance } from './instances.ts';

export interface FreshnessRules {
  readonly freshSamples: number;
  readonly failuresToFail: number;
  /** A last ping or reading older than this is stale, milliseconds. */
  readonly staleAfterMs: number;
  /** Peers that one instance pings in a sampled mesh; null when all ping all. */
  readonly sampledPeers: number | null;
}

export type PairCause =
  /** Enough fresh pings agree. */
  | 'measured'
  /** Measured, but too few fresh pings in a row say the same. */
  | 'settling'
  /** The source's last answer has no entry for this pod at its present address. */
  | 'missing'
  /** The last ping is older than the change, or too old. */
  | 'stale'
  /** The source cannot be read. */
  | 'unreadable'
  /** One of the two pods has no address. */
  | 'no-address';

export interface JudgedPair {
  readonly from: Instance;
  readonly to: Instance;
  readonly state: 'healthy' | 'unhealthy' | 'unknown';
  readonly cause: PairCause;
  /** goldpinger's text or why the pair is unknown; '' when healthy. */
  readonly error: string;
  /** The last fresh ping failed. */
  readonly lastFailed: boolean;
}

export interface MatrixJudgement {
  /** In the order of source and destination. */
  readonly pairs: readonly JudgedPair[];
  /** Uids of sources whose last fresh pings to themselves failed as well. */
  readonly selfFailing: ReadonlySet<string>;
}

/** One distinct ping, told once. */
export interface SeenPing {
  readonly from: Instance;
  readonly to: Instance;
  readonly at: number;
  /** null: no call was made, the peer had no address. */
  readonly ok: boolean | null;
  readonly error: string;
}

interface Sample {
  readonly at: number;
  readonly ok: boolean | null;
  readonly error: string;
}

/** What a source knows of one peer at one address. */
interface Cell {
  readonly uid: string;
  readonly ip: string;
  /** Distinct pings in the order of their start; only as many as the rules look at. */
  readonly ring: Sample[];
  /** Time of the last reading that had an entry for it. */
  seenAt: number;
}

interface Source {
  instance: Instance;
  /** When it was last asked, with or without success; -Infinity: never. */
  askedAt: number;
  readable: boolean;
  why: string;
  knowsNobody: boolean;
  readonly cells: Map<string, Cell>;
}

export class PairMatrix {
  readonly #rules: FreshnessRules;
  readonly #depth: number;
  readonly #onPing: ((ping: SeenPing) => void) | undefined;
  readonly #sources = new Map<string, Source>();
  readonly #byName = new Map<string, Instance>();
  #order: Source[] = [];
  #pings = 0;

  constructor(rules: FreshnessRules, onPing?: (ping: SeenPing) => void) {
    this.#rules = rules;
    this.#depth = Math.max(rules.freshSamples, rules.failuresToFail);
    this.#onPing = onPing;
  }

  /** Distinct pings seen so far. */
  get pings(): number {
    return this.#pings;
  }

  /** The instances that are expected from now on; all others are ghosts and are forgotten. */
  expect(instances: readonly Instance[]): void {
    this.#byName.clear();
    const kept = new Set<string>();
    for (const instance of instances) {
      kept.add(instance.uid);
      this.#byName.set(instance.pod, instance);
      const source = this.#sources.get(instance.uid);
      if (!source) {
        this.#sources.set(instance.uid, newSource(instance));
      } else {
        if (source.instance.ip !== instance.ip) source.readable = false;
        source.instance = instance;
      }
    }
    for (const uid of [...this.#sources.keys()]) if (!kept.has(uid)) this.#sources.delete(uid);
    this.#order = [...this.#sources.values()].sort((a, b) => compare(a.instance.pod, b.instance.pod));
  }

  /** What an instance answered at `askedAt`. Readings may come in any order. */
  read(uid: string, pings: readonly PeerPing[], askedAt: number): void {
    const source = this.#sources.get(uid);
    if (!source) return;
    if (askedAt >= source.askedAt) {
      source.askedAt = askedAt;
      source.readable = true;
      source.why = '';
      source.knowsNobody = pings.length === 0;
    }
    for (const ping of pings) {
      const target = this.#byName.get(ping.to);
      if (!target) continue;
      const nothing = saysNothing(ping);
      // The same name with an old address is the pod's former life.
      if (!nothing && ping.ip !== target.ip) continue;
      let cell = source.cells.get(ping.to);
      if (!cell || cell.uid !== target.uid || cell.ip !== target.ip) {
        cell = { uid: target.uid, ip: target.ip, ring: [], seenAt: Number.NEGATIVE_INFINITY };
        source.cells.set(ping.to, cell);
      }
      if (askedAt > cell.seenAt) cell.seenAt = askedAt;
      const sample = { at: ping.at, ok: nothing ? null : ping.ok, error: ping.error };
      if (!this.#insert(cell.ring, sample)) continue;
      this.#pings++;
      this.#onPing?.({ from: source.instance, to: target, ...sample });
    }
  }

  /** An instance could not be asked by any path at `askedAt`. */
  unreadable(uid: string, why: string, askedAt: number): void {
    const source = this.#sources.get(uid);
    if (!source || askedAt < source.askedAt) return;
    source.askedAt = askedAt;
    source.readable = false;
    source.why = why;
  }

  /** Judges every ordered pair as of `now`; only pings that started after `since` count. */
  judge(now: number, since: number): MatrixJudgement {
    const pairs: JudgedPair[] = [];
    const selfFailing = new Set<string>();
    for (const source of this.#order) {
      for (const target of this.#targets(source)) {
        if (target !== source) pairs.push(this.#judgePair(source, target.instance, now, since));
      }
      if (this.#judgePair(source, source.instance, now, since).state === 'unhealthy') {
        selfFailing.add(source.instance.uid);
      }
    }
    return { pairs, selfFailing };
  }

  /** In a sampled mesh a source is judged by the peers that it reports, and by some missing ones where these are too few. */
  #targets(source: Source): readonly Source[] {
    const wanted = this.#rules.sampledPeers;
    if (wanted === null || wanted >= this.#order.length) return this.#order;
    const reported = (target: Source) => source.cells.get(target.instance.pod)?.seenAt === source.askedAt;
    const others = this.#order.filter((target) => target !== source);
    const seen = others.filter(reported);
    // A pod may have drawn itself as one of its peers.
    const missing = wanted - 1 - seen.length;
    return missing > 0 ? [...seen, ...others.filter((target) => !reported(target)).slice(0, missing)] : seen;
  }

  #judgePair(source: Source, to: Instance, now: number, since: number): JudgedPair {
    const from = source.instance;
    const rules = this.#rules;
    const unknown = (cause: PairCause, error: string, lastFailed = false): JudgedPair => {
      return { from, to, state: 'unknown', cause, error, lastFailed };
    };
    if (to.ip === '') return unknown('no-address', `${to.pod} has no address`);
    if (from.ip === '') return unknown('no-address', `${from.pod} has no address`);
    if (!source.readable) return unknown('unreadable', source.why || `${from.pod} has not been read yet`);
    if (now - source.askedAt > rules.staleAfterMs) return unknown('unreadable', `${from.pod} was not read for long`);
    const cell = source.cells.get(to.pod);
    if (!cell || cell.uid !== to.uid || cell.ip !== to.ip || cell.seenAt !== source.askedAt) {
      return unknown('missing', source.knowsNobody ? `${from.pod} knows no peer at all` : 'not pinged yet');
    }
    const last = cell.ring.at(-1);
    if (!last || last.at <= since) return unknown('stale', 'not pinged since the change');
    if (now - last.at > rules.staleAfterMs) {
      return unknown('stale', `last pinged ${Math.round((now - last.at) / 1_000)} s ago`);
    }
    if (last.ok === null) return unknown('no-address', last.error);
    const run = trailingRun(cell.ring, since);
    if (last.ok && run >= rules.freshSamples) {
      return { from, to, state: 'healthy', cause: 'measured', error: '', lastFailed: false };
    }
    if (!last.ok && run >= rules.failuresToFail) {
      return { from, to, state: 'unhealthy', cause: 'measured', error: last.error, lastFailed: true };
    }
    const needed = last.ok ? rules.freshSamples : rules.failuresToFail;
    const so = `${run} of ${needed} pings in a row ${last.ok ? 'good' : `failed: ${last.error}`}`;
    return unknown('settling', so, !last.ok);
  }

  /** Keeps the newest samples in order; false for a ping that is known or too old to matter. */
  #insert(ring: Sample[], sample: Sample): boolean {
    let i = ring.length;
    while (i > 0 && ring[i - 1]!.at > sample.at) i--;
    if (i > 0 && ring[i - 1]!.at === sample.at) return false;
    if (i === 0 && ring.length === this.#depth) return false;
    ring.splice(i, 0, sample);
    if (ring.length > this.#depth) ring.shift();
    return true;
  }
}

function newSource(instance: Instance): Source {
  return {
    instance,
    askedAt: Number.NEGATIVE_INFINITY,
    readable: false,
    why: '',
    knowsNobody: false,
    cells: new Map(),
  };
}

/** How many of the last samples agree with the last one and are fresh. */
function trailingRun(ring: readonly Sample[], since: number): number {
  const last = ring.at(-1);
  let run = 0;
  for (let i = ring.length - 1; i >= 0 && ring[i]!.ok === last?.ok && ring[i]!.at > since; i--) run++;
  return run;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
