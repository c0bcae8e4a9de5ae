/**
 * One running goldpinger: list loop, pingers, gauge (updater.go, pinger.go, v3.10.2), brought up to date only when somebody
 * looks or something is about to change: between two changes every ping of a pair has the same outcome.
 */
import type { Random } from '../../../time/random.ts';
import { DueQueue } from './due-queue.ts';
import type { Peer, PeerSet } from './peers.ts';
import type { Settings } from './settings.ts';

/** How a call ended; `ms` is how long it took. */
export interface Verdict {
  readonly ok: boolean;
  readonly ms: number;
  /** '' when ok. */
  readonly error: string;
  /** `boot_time` of who answered. */
  readonly bootTime?: number;
  readonly answeredBy?: string;
}

/** The last finished ping of a peer. */
export interface PingResult {
  readonly peer: Peer;
  /** Start of the ping, milliseconds since the epoch. */
  readonly pingTime: number;
  readonly verdict: Verdict;
  /** 200, 504 for a failed call, 500 without an address. */
  readonly status: number;
}

/** What the surroundings decide, as they are at the moment of the call. */
export interface Surroundings {
  /** Outcome of a ping to the peer at this time. */
  ping(peer: Peer, at: number): Verdict;
  /** Does a list of pods get through: at once, never (refused), or is the packet lost? */
  reachApi(): 'ok' | 'refused' | 'lost';
  random(consumer: string): Random;
  /** Told about every successful ping, for the receiver's counter. */
  answered(podUid: string): void;
}

interface Pinger {
  readonly peer: Peer;
  readonly random: Random;
  next: number;
  /** The peer is no longer pinged. */
  gone: boolean;
  /** A ping that has started and not ended by the time of the last look. */
  flying: { readonly result: PingResult; readonly until: number } | undefined;
  result: PingResult | undefined;
}

export interface Counters {
  pingsMade: number;
  pingErrors: number;
  listErrors: number;
  lists: number;
}

/** What a list takes when the API server answers at once. */
export const LIST_MS = 20;
/** Retransmissions of an unanswered SYN (RFC 6298), and when client-go's dialler gives up. */
const SYN_RETRIES_MS = [1_000, 3_000, 7_000, 15_000];
const DIAL_TIMEOUT_MS = 30_000;
export const NO_ADDRESS = "Host or pod IP empty, can't make a call";

export interface Instance {
  /** Evaluates everything that was due strictly before `time`, with the world as it is now. */
  advance(time: number): void;
  /** Before this time there is nothing to evaluate. */
  due(): number;
  /** Finished pings by peer name, sorted, as seen at `time`; call {@link advance} first. */
  results(time: number): PingResult[];
  /** undefined before the first tick. */
  gauge(): { healthy: number; unhealthy: number } | undefined;
  readonly counters: Counters;
}

/** Starts the loops at `start`. */
export function createInstance(
  name: string,
  settings: Settings,
  peers: PeerSet,
  around: Surroundings,
  start: number,
): Instance {
  const counters: Counters = { pingsMade: 0, pingErrors: 0, listErrors: 0, lists: 0 };
  const pingers = new Map<string, Pinger>();
  const queue = new DueQueue<Pinger>();
  /** Sorted when somebody looks. */
  let byName: Pinger[] | undefined;
  const shuffler = around.random(`goldpinger/${name}/${start}/stagger`);
  const refresh = settings.refreshMs;
  const idle = !(refresh > 0);
  let knownVersion = 0;
  /** The list that is due next or under way, and which try it is. */
  let list = { begun: start, at: start, tries: 0 };
  let gauge: { healthy: number; unhealthy: number } | undefined;
  let lastTick = start;

  const ping = (pinger: Pinger, at: number): void => {
    const { peer } = pinger;
    counters.pingsMade += 1;
    const addressed = peer.podIp !== '' && peer.hostIp !== '';
    const verdict: Verdict = addressed ? around.ping(peer, at) : { ok: false, ms: 0, error: NO_ADDRESS };
    if (!verdict.ok) counters.pingErrors += 1;
    if (verdict.answeredBy !== undefined) around.answered(verdict.answeredBy);
    const status = verdict.ok ? 200 : addressed ? 504 : 500;
    pinger.flying = { result: { peer, pingTime: at, verdict, status }, until: at + verdict.ms };
    const period = Math.round(refresh * (1 + pinger.random.next() * settings.jitter));
    pinger.next = at + Math.max(period, Math.ceil(verdict.ms));
    queue.push(pinger);
  };
  const land = (pinger: Pinger, time: number): void => {
    if (pinger.flying !== undefined && pinger.flying.until <= time) {
      pinger.result = pinger.flying.result;
      pinger.flying = undefined;
    }
  };
  const pingUntil = (time: number): void => {
    while (queue.first < time) {
      const pinger = queue.pop()!;
      if (pinger.gone) continue;
      land(pinger, pinger.next);
      ping(pinger, pinger.next);
    }
  };
  const tick = (at: number): void => {
    let healthy = 0;
    let unhealthy = 0;
    for (const pinger of pingers.values()) {
      land(pinger, at);
      const { result } = pinger;
      if (result?.verdict.ok) healthy += 1;
      else if (result !== undefined) unhealthy += 1;
    }
    gauge = { healthy, unhealthy };
    lastTick = at;
  };
  /** New peers of one list are staggered over the interval in random order; one whose address changed is new. */
  const adopt = (at: number): void => {
    if (knownVersion === peers.version()) return;
    knownVersion = peers.version();
    byName = undefined;
    for (const [key, pinger] of pingers) {
      const now = peers.peers.get(key);
      if (now?.podIp !== pinger.peer.podIp || now.hostIp !== pinger.peer.hostIp) {
        pinger.gone = true;
        pingers.delete(key);
      }
    }
    const fresh = [...peers.peers.values()].filter((peer) => !pingers.has(peer.name));
    const order = shuffler.shuffle(fresh.sort((a, b) => (a.name < b.name ? -1 : 1)));
    order.forEach((peer, k) => {
      const random = around.random(`goldpinger/${name}/${peer.name}/${at}`);
      const next = at + LIST_MS + Math.round((k * refresh) / order.length);
      const pinger: Pinger = { peer, random, next, gone: false, flying: undefined, result: undefined };
      pingers.set(peer.name, pinger);
      queue.push(pinger);
    });
  };
  const listPods = (at: number): void => {
    const reached = around.reachApi();
    if (reached === 'lost' && at < list.begun + DIAL_TIMEOUT_MS) {
      const retry = SYN_RETRIES_MS[list.tries];
      list = { ...list, at: list.begun + (retry ?? DIAL_TIMEOUT_MS), tries: list.tries + 1 };
      return;
    }
    if (reached === 'ok') {
      counters.lists += 1;
      adopt(at);
    } else {
      // The error is ignored and the empty answer believed: every peer is forgotten (k8s.go GetAllPods, updater.go).
      counters.listErrors += 1;
      pingers.clear();
      byName = undefined;
      queue.clear();
      knownVersion = 0;
    }
    const next = at + LIST_MS + refresh;
    list = { begun: next, at: next, tries: 0 };
  };

  return {
    counters,
    due: () => (idle ? Number.POSITIVE_INFINITY : Math.min(list.at, queue.first)),
    advance: (time) => {
      if (idle) return;
      // Of several ticks only the last one before `time` can still be read.
      const ticks = Math.ceil((time - start) / refresh) - 1;
      const wanted = start + ticks * refresh;
      while (true) {
        const nextTick = ticks > 0 && wanted > lastTick ? wanted : Number.POSITIVE_INFINITY;
        const boundary = Math.min(nextTick, list.at, time);
        pingUntil(boundary);
        if (boundary >= time) return;
        if (nextTick === boundary) tick(boundary);
        else listPods(boundary);
      }
    },
    results: (time) => {
      byName ??= [...pingers.values()].sort((a, b) => (a.peer.name < b.peer.name ? -1 : 1));
      const found: PingResult[] = [];
      for (const pinger of byName) {
        land(pinger, time);
        if (pinger.result !== undefined) found.push(pinger.result);
      }
      return found;
    },
    gauge: () => gauge,
  };
}
