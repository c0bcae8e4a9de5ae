/**
 * The objects behind the API server. Objects are immutable and share what a change leaves alone; one counter gives every
 * change its resourceVersion, as one etcd does. Actors use it directly, clients through the API server.
 */
import type { KubeObject, Pod } from '../../kube/objects.ts';
import type { Random } from '../../time/random.ts';
import type { Cancel, ObjectStore, ResourceName, SimulatedTime, StoreEvent } from '../world.ts';
import { admitNew, prepareNew } from './creation.ts';
import { CLEANUP_FINALIZER, serveCustomResources, terminating } from './custom-resources.ts';
import { cloneJson, share } from './json.ts';
import {
  gracePeriod,
  isHeld,
  movesGeneration,
  stamp,
  statusUpdate,
  templateGeneration,
  updatedMetadata,
} from './object-rules.ts';
import { createRegistry, type Registry, type ResourceInfo } from './registry.ts';
import { parseLabelSelector } from './selectors.ts';
import { createServiceAllocation, type ServiceAllocation } from './service-allocation.ts';
import { alreadyExists, invalidObject, noSuchResource } from './status.ts';
import { keyOf, type StoreRecord, Table } from './table.ts';

export type { StoreRecord } from './table.ts';

export interface StoreOptions {
  readonly time: SimulatedTime;
  /** For uids, generated names, cluster addresses and node ports. */
  readonly random: Random;
  /** 10.96.0.0/16 unless given. */
  readonly serviceSubnet?: string;
  /** 1.36 unless given. */
  readonly kubernetesVersion?: string;
  /** How many events of a resource a watch may lie behind; beyond it gets 410. */
  readonly eventWindow?: number;
}

export interface WriteOptions {
  readonly subresource?: 'status';
  /** Judge and answer, but change nothing. */
  readonly dryRun?: boolean;
}

const DEFINITIONS: ResourceName = 'customresourcedefinitions.apiextensions.k8s.io';

type Ref = { name: string; namespace?: string | undefined; uid?: string | undefined };

/** The store as the API server knows it. */
export interface Store extends ObjectStore {
  readonly registry: Registry;
  readonly time: SimulatedTime;
  /** The version of the newest change. */
  resourceVersion(): number;
  /** Changes of a resource after a version; undefined when they are no longer remembered. */
  eventsSince(resource: ResourceName, version: number): readonly StoreRecord[] | undefined;
  /** The objects as they were at a version, in order; undefined when that is no longer remembered. */
  listAt(resource: ResourceName, version: number, namespace?: string): KubeObject[] | undefined;
  create<T extends KubeObject>(resource: ResourceName, object: T, options?: WriteOptions): T;
  /** Puts `next` in the place of `current`, by the rules of an update. */
  replace(info: ResourceInfo, current: KubeObject, next: KubeObject, options?: WriteOptions): KubeObject;
}

/** An empty store. */
export function createObjectStore(options: StoreOptions): Store {
  const store = new MemoryStore(options);
  serveCustomResources(store);
  return store;
}

class MemoryStore implements Store {
  readonly registry: Registry;
  readonly time: SimulatedTime;
  readonly #random: Random;
  readonly #window: number;
  readonly #services: ServiceAllocation;
  readonly #tables = new Map<ResourceName, Table>();
  readonly #hooks = new Map<string, Set<(event: StoreEvent) => void>>();
  readonly #podsByNode = new Map<string, Table>();
  #version = 1;
  #notifying = false;

  constructor(options: StoreOptions) {
    this.registry = createRegistry(Number((options.kubernetesVersion ?? '1.36').split('.')[1]));
    this.time = options.time;
    this.#random = options.random;
    this.#window = options.eventWindow ?? 4_096;
    this.#services = createServiceAllocation(options.serviceSubnet ?? '10.96.0.0/16', options.random);
  }

  resourceVersion(): number {
    return this.#version;
  }

  has(resource: ResourceName): boolean {
    return this.registry.get(resource) !== undefined;
  }

  get<T extends KubeObject>(resource: ResourceName, name: string, namespace?: string): T | undefined {
    return this.#tables.get(resource)?.get(keyOf(name, namespace)) as T | undefined;
  }

  list<T extends KubeObject>(
    resource: ResourceName,
    filter: { namespace?: string; labels?: Record<string, string>; labelSelector?: string } = {},
  ): T[] {
    const objects = this.#tables.get(resource)?.list(filter.namespace) ?? [];
    if (filter.labels === undefined && filter.labelSelector === undefined) return objects as T[];
    const wanted = Object.entries(filter.labels ?? {});
    const selects = parseLabelSelector(filter.labelSelector);
    return objects.filter(({ metadata: { labels = {} } }) => {
      return wanted.every(([key, value]) => labels[key] === value) && selects(labels);
    }) as T[];
  }

  podsOnNode(node: string): Pod[] {
    return (this.#podsByNode.get(node)?.list() ?? []) as unknown as Pod[];
  }

  eventsSince(resource: ResourceName, version: number): readonly StoreRecord[] | undefined {
    const table = this.#tables.get(resource);
    return table === undefined ? [] : table.since(version);
  }

  listAt(resource: ResourceName, version: number, namespace?: string): KubeObject[] | undefined {
    const table = this.#tables.get(resource);
    return table === undefined ? [] : table.listAt(version, namespace);
  }

  onChange<T extends KubeObject>(resource: ResourceName | '*', hook: (event: StoreEvent<T>) => void): Cancel {
    let hooks = this.#hooks.get(resource);
    if (hooks === undefined) {
      hooks = new Set();
      this.#hooks.set(resource, hooks);
    }
    const known = hook as unknown as (event: StoreEvent) => void;
    hooks.add(known);
    return () => void hooks.delete(known);
  }

  create<T extends KubeObject>(resource: ResourceName, object: T, options: WriteOptions = {}): T {
    const info = this.#info(resource);
    const draft = prepareNew(info, object, {
      now: this.time.now(),
      random: this.#random,
      taken: (name, namespace) => this.get(resource, name, namespace) !== undefined,
    });
    const { name, namespace } = draft.metadata;
    const existing = this.get(resource, name, namespace);
    if (existing !== undefined) throw alreadyExists(info, name, existing.metadata.deletionTimestamp !== undefined);
    admitNew(info, draft, { store: this, random: this.#random, services: this.#services });
    if (options.dryRun === true) return draft as T;
    const version = this.#next();
    draft.metadata.resourceVersion = String(version);
    this.#commit(version, { type: 'ADDED', resource, object: draft, previous: undefined });
    return draft as T;
  }

  update<T extends KubeObject>(
    resource: ResourceName,
    ref: Ref,
    change: (draft: T) => void,
    options: WriteOptions = {},
  ): T | undefined {
    const current = this.#find(resource, ref);
    if (current === undefined) return undefined;
    const draft = cloneJson(current) as T;
    change(draft);
    return this.replace(this.#info(resource), current, draft, options) as T;
  }

  replace(info: ResourceInfo, current: KubeObject, next: KubeObject, options: WriteOptions = {}): KubeObject {
    const wanted = options.subresource === 'status' ? statusUpdate(current, next, info) : { ...next };
    const draft: KubeObject = {
      ...wanted,
      kind: info.kind,
      ...(current.apiVersion !== undefined && { apiVersion: current.apiVersion }),
      metadata: updatedMetadata(current, wanted, info) as KubeObject['metadata'],
    };
    if (info.name === 'daemonsets.apps') templateGeneration(current, draft);
    if (info.name === 'services' && current.spec !== draft.spec) this.#allocate(info, draft);
    const shared = share(current, draft) as KubeObject;
    if (shared === current) return current;
    const result = { ...shared, metadata: { ...shared.metadata } };
    // A write of the status never moves the generation.
    const moves = options.subresource !== 'status' && movesGeneration(info, current, shared);
    if (moves) result.metadata.generation = (current.metadata.generation ?? 0) + 1;
    if (options.dryRun === true) return result;
    if (current.metadata.deletionTimestamp !== undefined && isHeld(current) && !isHeld(result)) {
      this.#drop(info.name, current);
      return result;
    }
    const version = this.#next();
    result.metadata.resourceVersion = String(version);
    this.#commit(version, { type: 'MODIFIED', resource: info.name, object: result, previous: current });
    return result;
  }

  remove(
    resource: ResourceName,
    ref: Ref,
    options: { gracePeriodSeconds?: number; propagation?: 'Background' | 'Foreground' | 'Orphan' } = {},
  ): boolean {
    const current = this.#find(resource, ref);
    if (current === undefined) return false;
    if (resource === 'pods') this.#removePod(current, options.gracePeriodSeconds);
    else this.#removeObject(resource, current, options.propagation);
    return true;
  }

  #removePod(current: KubeObject, asked: number | undefined): void {
    const { deletionTimestamp, deletionGracePeriodSeconds: running = 0 } = current.metadata;
    const grace = gracePeriod(current as unknown as Pod, asked);
    if (deletionTimestamp !== undefined && grace > 0) {
      // A second delete may only shorten the period (recorded: 100 s after 60 s has no effect, 10 s has).
      if (asked === undefined || grace >= running) return;
      const startedAt = Date.parse(deletionTimestamp) - running * 1000;
      this.#setDeletion('pods', current, startedAt + grace * 1000, grace);
      return;
    }
    // Also a pod that goes at once is first MODIFIED with grace 0, then DELETED (recorded).
    const alreadyDue = deletionTimestamp !== undefined && running === 0;
    const marked = alreadyDue ? current : this.#setDeletion('pods', current, this.time.now() + grace * 1000, grace);
    if (!isHeld(marked)) this.#drop('pods', marked);
  }

  #removeObject(
    resource: ResourceName,
    current: KubeObject,
    propagation: 'Background' | 'Foreground' | 'Orphan' | undefined,
  ): void {
    const finalizers = [...(current.metadata.finalizers ?? [])];
    const wanted =
      propagation === 'Foreground' ? 'foregroundDeletion' : propagation === 'Orphan' ? 'orphan' : undefined;
    if (current.metadata.deletionTimestamp !== undefined) return;
    if (wanted !== undefined && !finalizers.includes(wanted)) finalizers.push(wanted);
    const definition = resource === DEFINITIONS;
    if (definition) finalizers.push(CLEANUP_FINALIZER);
    const base = definition ? terminating(current, this.time.now()) : current;
    const held = finalizers.length > 0 ? { ...base, metadata: { ...base.metadata, finalizers } } : base;
    if (isHeld(held)) this.#setDeletion(resource, held, this.time.now(), 0, current);
    else this.#drop(resource, current);
  }

  #setDeletion(resource: ResourceName, object: KubeObject, at: number, grace: number, previous = object): KubeObject {
    const version = this.#next();
    const first = object.metadata.deletionTimestamp === undefined;
    const { generation } = object.metadata;
    // Namespaces and definitions are deleted by code of their own, which gives no grace (recorded).
    const own = resource === 'namespaces' || resource === DEFINITIONS;
    const marked: KubeObject = {
      ...object,
      metadata: {
        ...object.metadata,
        ...(first && !own && generation !== undefined && { generation: generation + 1 }),
        deletionTimestamp: stamp(at),
        ...(!own && { deletionGracePeriodSeconds: grace }),
        resourceVersion: String(version),
      },
      ...(resource === 'namespaces' && { status: { ...(object.status as object), phase: 'Terminating' } }),
    };
    this.#commit(version, { type: 'MODIFIED', resource, object: marked, previous });
    return marked;
  }

  #drop(resource: ResourceName, current: KubeObject): void {
    const version = this.#next();
    const last = { ...current, metadata: { ...current.metadata, resourceVersion: String(version) } };
    this.#commit(version, { type: 'DELETED', resource, object: last, previous: current });
  }

  #next(): number {
    if (this.#notifying) throw new Error('a store hook may only schedule timers, it must not write to the store');
    this.#version += 1;
    return this.#version;
  }

  #commit(version: number, event: StoreEvent): void {
    const { resource, object } = event;
    const key = keyOf(object.metadata.name, object.metadata.namespace);
    const table = this.#table(resource);
    if (event.type === 'DELETED') table.delete(key);
    else table.put(key, object);
    if (resource === 'pods') this.#index(event, key);
    table.remember({ version, event });
    this.#notifying = true;
    try {
      for (const hook of [...(this.#hooks.get(resource) ?? [])]) hook(event);
      for (const hook of [...(this.#hooks.get('*') ?? [])]) hook(event);
    } finally {
      this.#notifying = false;
    }
  }

  #index(event: StoreEvent, key: string): void {
    const nodeOf = (object: KubeObject | undefined): string | undefined => (object as Pod | undefined)?.spec?.nodeName;
    const before = nodeOf(event.previous);
    const after = event.type === 'DELETED' ? undefined : nodeOf(event.object);
    if (before !== undefined && before !== after) this.#podsByNode.get(before)?.delete(key);
    if (after === undefined) return;
    let pods = this.#podsByNode.get(after);
    if (pods === undefined) {
      pods = new Table(0);
      this.#podsByNode.set(after, pods);
    }
    pods.put(key, event.object);
  }

  #table(resource: ResourceName): Table {
    let table = this.#tables.get(resource);
    if (table === undefined) {
      table = new Table(this.#window);
      this.#tables.set(resource, table);
    }
    return table;
  }

  #info(resource: ResourceName): ResourceInfo {
    const info = this.registry.get(resource);
    if (info === undefined) throw noSuchResource();
    return info;
  }

  #find(resource: ResourceName, ref: Ref): KubeObject | undefined {
    const current = this.get(resource, ref.name, ref.namespace);
    return ref.uid !== undefined && current?.metadata.uid !== ref.uid ? undefined : current;
  }

  #allocate(info: ResourceInfo, service: KubeObject): void {
    const { name, namespace } = service.metadata;
    const others = this.list('services').filter(
      (other) => other.metadata.name !== name || other.metadata.namespace !== namespace,
    );
    const draft = cloneJson(service);
    const problems = this.#services.allocate(draft, others);
    if (problems.length > 0) throw invalidObject(info, name, problems);
    service.spec = draft.spec;
  }
}
