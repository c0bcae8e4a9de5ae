/**
 * All goldpinger instances of the world: brings them up to date before the network, the set of pods, a listener or the API's
 * availability changes, so that every ping is judged by the state of its own moment.
 */
import type { Pod, Service } from '../../../kube/objects.ts';
import { randomStream } from '../../../time/random.ts';
import type { ConnectOutcome } from '../../network/network.ts';
import type { Cancel, World } from '../../world.ts';
import type { Instance, Surroundings, Verdict } from './instance.ts';
import { followPeers, type Peer, type PeerSet } from './peers.ts';

export interface GoldpingerOptions {
  /**
   * Do the processes of a node not get to run in time at this moment? Asked for past moments too. A ping that starts then on
   * such a node, or to one, times out, even one of a pod to itself (observed while Cilium agents compile their datapath).
   */
  readonly starvation?: (node: string, at: number) => boolean;
}

/** How often the API's availability is looked at; it tells nobody when it changes. */
const LOOK_MS = 1_000;
/** Addresses whose verdicts one instance keeps; pods come and go with theirs. */
const MAX_TARGETS = 1_024;

/** A running instance as the others see it. */
export interface Member {
  readonly podUid: string;
  readonly node: string;
  readonly bootTime: number;
  received: { ping: number; check: number; checkAll: number; clusterHealth: number; healthz: number };
  instance: Instance | undefined;
}

export interface Mesh {
  readonly world: World;
  join(member: Member): void;
  leave(member: Member): void;
  /** Every instance, up to now. Call it before a change that the network does not announce itself. */
  advanceAll(): void;
  /** One instance, up to now; what it says of its own pings needs no other. */
  advance(member: Member): void;
  /** A port opened or closed: outcomes known so far no longer hold. */
  listenersChanged(): void;
  peerSet(namespace: string, selector: string): PeerSet;
  surroundings(member: Member, port: number, pingTimeoutMs: number): Surroundings;
  /** The call of one process to another, now; error texts as Go's http client gives them. */
  call(from: Member, ip: string, port: number, path: string, timeoutMs: number): Verdict;
  reachApi(from: Member): 'ok' | 'refused' | 'lost';
  member(podUid: string): Member | undefined;
}

export function createMesh(world: World, options: GoldpingerOptions): Mesh {
  const members = new Map<string, Member>();
  const sets = new Map<string, ReturnType<typeof followPeers>>();
  let epoch = 0;
  let apiUp = world.apiAvailable();
  let looking: Cancel | undefined;
  let advancing = false;

  const advanceAll = (): void => {
    // Judging a ping asks the network, which must not lead back here.
    if (advancing) return;
    advancing = true;
    const now = world.time.now();
    for (const { instance } of members.values())
      if (instance !== undefined && instance.due() < now) instance.advance(now);
    advancing = false;
  };
  const look = (): void => {
    const up = world.apiAvailable();
    if (up === apiUp) return;
    advanceAll();
    apiUp = up;
  };
  const keepLooking = (): void => {
    looking = world.time.after(LOOK_MS, () => {
      look();
      if (members.size > 0) keepLooking();
      else looking = undefined;
    });
  };
  world.network.onBeforeChange(advanceAll);
  world.store.onChange<Pod>('pods', (event) => {
    for (const set of sets.values()) set.handle(event);
  });

  // A policy changes verdicts without touching any namespace.
  world.store.onChange('networkpolicies.networking.k8s.io', () => {
    advanceAll();
    epoch += 1;
  });

  /** Verdicts on pings from one instance, by address; while the network says the same they are the same. */
  const verdicts = (member: Member, port: number, timeoutMs: number): ((ip: string) => Verdict) => {
    const known = new Map<string, { version: number; epoch: number; outcome: ConnectOutcome; verdict: Verdict }>();
    const source = { podUid: member.podUid };
    return (ip) => {
      const version = world.network.version();
      const entry = known.get(ip);
      if (entry !== undefined && entry.version === version && entry.epoch === epoch) return entry.verdict;
      const outcome = world.network.connect(source, { ip, port });
      if (entry !== undefined && entry.outcome === outcome && entry.epoch === epoch) {
        entry.version = version;
        return entry.verdict;
      }
      const verdict = judge(outcome, ip, port, '/ping', timeoutMs);
      if (known.size > MAX_TARGETS) known.clear();
      known.set(ip, { version, epoch, outcome, verdict });
      return verdict;
    };
  };

  const judge = (outcome: ConnectOutcome, ip: string, port: number, path: string, timeoutMs: number): Verdict => {
    const get = `Get "http://${ip}:${port}${path}": `;
    if (outcome.ok) {
      if (outcome.milliseconds >= timeoutMs) {
        return { ok: false, ms: timeoutMs, error: `${get}context deadline exceeded` };
      }
      const answeredBy = 'podUid' in outcome.at ? outcome.at.podUid : undefined;
      const bootTime = answeredBy === undefined ? undefined : members.get(answeredBy)?.bootTime;
      return {
        ok: true,
        ms: outcome.milliseconds,
        error: '',
        ...(answeredBy !== undefined && { answeredBy }),
        ...(bootTime !== undefined && { bootTime }),
      };
    }
    if (outcome.failure === 'timeout') return { ok: false, ms: timeoutMs, error: `${get}context deadline exceeded` };
    return { ok: false, ms: 1, error: `${get}dial tcp ${ip}:${port}: connect: ${outcome.errno}` };
  };
  const starved = (from: string, to: string, at: number): boolean =>
    options.starvation !== undefined && (options.starvation(from, at) || options.starvation(to, at));
  const apiAddress = (): { ip: string; port: number } => {
    const service = world.store.get<Service>('services', 'kubernetes', 'default');
    return { ip: service?.spec?.clusterIP ?? '', port: service?.spec?.ports?.[0]?.port ?? 443 };
  };
  const reach = (member: Member): 'ok' | 'refused' | 'lost' => {
    const target = apiAddress();
    if (target.ip === '') return 'refused';
    const outcome = world.network.connect({ podUid: member.podUid }, target);
    if (outcome.ok) return 'ok';
    return outcome.failure === 'timeout' ? 'lost' : 'refused';
  };

  return {
    world,
    join: (member) => {
      members.set(member.podUid, member);
      if (looking === undefined) {
        apiUp = world.apiAvailable();
        keepLooking();
      }
    },
    leave: (member) => {
      if (members.get(member.podUid) === member) members.delete(member.podUid);
    },
    advanceAll: () => {
      look();
      advanceAll();
    },
    advance: (member) => {
      look();
      if (advancing) return;
      advancing = true;
      member.instance?.advance(world.time.now());
      advancing = false;
    },
    listenersChanged: () => {
      epoch += 1;
    },
    peerSet: (namespace, selector) => {
      const key = `${namespace}/${selector}`;
      const known = sets.get(key);
      if (known !== undefined) return known;
      const fresh = followPeers(world.store, namespace, selector, advanceAll);
      sets.set(key, fresh);
      return fresh;
    },
    surroundings: (member, port, pingTimeoutMs) => {
      const byIp = verdicts(member, port, pingTimeoutMs);
      return {
        ping: (peer: Peer, at) => {
          if (starved(member.node, peer.node, at)) {
            const error = `Get "http://${peer.podIp}:${port}/ping": context deadline exceeded`;
            return { ok: false, ms: pingTimeoutMs, error };
          }
          return byIp(peer.podIp);
        },
        // While the network would carry the call to a server that is not there, it is refused.
        reachApi: () => (apiUp ? reach(member) : 'refused'),
        // Many short streams: not through the world, which keeps every one.
        random: (consumer) => randomStream(world.config.seed, consumer),
        answered: (podUid) => {
          const receiver = members.get(podUid);
          if (receiver !== undefined) receiver.received.ping += 1;
        },
      };
    },
    call: (from, ip, port, path, timeoutMs) =>
      judge(world.network.connect({ podUid: from.podUid }, { ip, port }), ip, port, path, timeoutMs),
    reachApi: (from) => (world.apiAvailable() ? reach(from) : 'refused'),
    member: (podUid) => members.get(podUid),
  };
}
