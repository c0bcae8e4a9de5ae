/** The pods that a goldpinger finds: phase Running by selector, whatever their readiness, terminating ones included (k8s.go). */
import type { Pod } from '../../../kube/objects.ts';
import type { ObjectStore, StoreEvent } from '../../world.ts';

export interface Peer {
  readonly name: string;
  readonly podUid: string;
  readonly podIp: string;
  readonly hostIp: string;
  readonly node: string;
}

/** One namespace and selector: what a list would answer now. */
export interface PeerSet {
  readonly peers: ReadonlyMap<string, Peer>;
  /** Counts up with every change. */
  version(): number;
}

type Test = (labels: Readonly<Record<string, string>>) => boolean;

/** The selector language of the API: `a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x,y)`, `a`, `!a`. */
export function parseSelector(text: string): Test {
  const tests = text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): Test => {
      const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part);
      if (set !== null) {
        const values = set[3]!.split(',').map((value) => value.trim());
        const inside = set[2] === 'in';
        return (labels) => {
          const value = labels[set[1]!];
          return inside
            ? value !== undefined && values.includes(value)
            : value === undefined || !values.includes(value);
        };
      }
      const equality = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(part);
      if (equality !== null) {
        const [, key, operator, value] = equality;
        return (labels) => (labels[key!] === value) === (operator !== '!=');
      }
      return part.startsWith('!') ? (labels) => labels[part.slice(1)] === undefined : (labels) => part in labels;
    });
  return (labels) => tests.every((test) => test(labels));
}

const peerOf = (pod: Pod): Peer => ({
  name: pod.metadata.name,
  podUid: pod.metadata.uid ?? '',
  podIp: pod.status?.podIP ?? '',
  hostIp: pod.status?.hostIP ?? '',
  node: pod.spec?.nodeName ?? '',
});

const same = (a: Peer | undefined, b: Peer | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.podUid === b.podUid &&
    a.podIp === b.podIp &&
    a.hostIp === b.hostIp &&
    a.node === b.node);

/** Follows the store for one namespace ('' for all) and selector; `beforeChange` is called before the set changes. */
export function followPeers(
  store: ObjectStore,
  namespace: string,
  selector: string,
  beforeChange: () => void,
): PeerSet & { handle(event: StoreEvent<Pod>): void } {
  const test = parseSelector(selector);
  const peers = new Map<string, Peer>();
  let version = 1;
  const belongs = (pod: Pod): boolean =>
    (namespace === '' || pod.metadata.namespace === namespace) &&
    pod.status?.phase === 'Running' &&
    test(pod.metadata.labels ?? {});
  for (const pod of store.list<Pod>('pods', namespace === '' ? {} : { namespace })) {
    if (belongs(pod)) peers.set(pod.metadata.name, peerOf(pod));
  }
  return {
    peers,
    version: () => version,
    handle: ({ type, object }) => {
      if (namespace !== '' && object.metadata.namespace !== namespace) return;
      const known = peers.get(object.metadata.name);
      const now = type !== 'DELETED' && belongs(object) ? peerOf(object) : undefined;
      if (same(known, now)) return;
      // The deletion of an older pod of the same name says nothing about its successor.
      if (now === undefined && known?.podUid !== object.metadata.uid) return;
      beforeChange();
      version += 1;
      if (now === undefined) peers.delete(object.metadata.name);
      else peers.set(object.metadata.name, now);
    },
  };
}
