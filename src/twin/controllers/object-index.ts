/** All objects of the store by uid and by owner, for garbage collection and namespace deletion. */
import type { KubeObject } from '../../kube/objects.ts';
import type { ObjectStore, ResourceName } from '../world.ts';

export interface Entry {
  readonly resource: ResourceName;
  readonly object: KubeObject;
}

export interface ObjectIndex {
  get(uid: string): Entry | undefined;
  /** Objects that name this uid among their owners. */
  dependents(uid: string): Entry[];
  /** Objects with any owner. */
  owned(): Entry[];
  /** Objects of a namespace, by resource and name. */
  inNamespace(namespace: string): Entry[];
  onEvent(hook: (type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: Entry) => void): void;
}

const sorted = (entries: Iterable<Entry>): Entry[] =>
  [...entries].sort((a, b) => {
    const [left, right] = [a, b].map(({ resource, object }) => `${resource} ${object.metadata.name}`);
    return left! < right! ? -1 : left! > right! ? 1 : 0;
  });

/** Starts with an empty store: it learns of objects only when they change. */
export function objectIndex(store: ObjectStore): ObjectIndex {
  const entries = new Map<string, Entry>();
  const byOwner = new Map<string, Set<string>>();
  const byNamespace = new Map<string, Set<string>>();
  const hooks: ((type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: Entry) => void)[] = [];

  const link = (map: Map<string, Set<string>>, group: string, uid: string): void => {
    const members = map.get(group);
    if (members === undefined) map.set(group, new Set([uid]));
    else members.add(uid);
  };
  const unlink = (map: Map<string, Set<string>>, group: string, uid: string): void => {
    const members = map.get(group);
    members?.delete(uid);
    if (members?.size === 0) map.delete(group);
  };
  const forget = (uid: string): void => {
    const old = entries.get(uid)?.object;
    if (old === undefined) return;
    for (const owner of old.metadata.ownerReferences ?? []) unlink(byOwner, owner.uid, uid);
    if (old.metadata.namespace !== undefined) unlink(byNamespace, old.metadata.namespace, uid);
    entries.delete(uid);
  };
  store.onChange('*', ({ type, resource, object }) => {
    const uid = object.metadata.uid;
    if (uid === undefined) return;
    forget(uid);
    const entry = { resource, object };
    if (type !== 'DELETED') {
      entries.set(uid, entry);
      for (const owner of object.metadata.ownerReferences ?? []) link(byOwner, owner.uid, uid);
      if (object.metadata.namespace !== undefined) link(byNamespace, object.metadata.namespace, uid);
    }
    for (const hook of hooks) hook(type, entry);
  });
  const pick = (uids: Iterable<string>): Entry[] =>
    sorted([...uids].map((uid) => entries.get(uid)).filter((entry) => entry !== undefined));
  return {
    get: (uid) => entries.get(uid),
    dependents: (uid) => pick(byOwner.get(uid) ?? []),
    owned: () => sorted([...entries.values()].filter(({ object }) => object.metadata.ownerReferences?.length)),
    inNamespace: (namespace) => pick(byNamespace.get(namespace) ?? []),
    onEvent: (hook) => void hooks.push(hook),
  };
}
