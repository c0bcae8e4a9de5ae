/**
 * A small stand-in for the API server and its controllers: objects with finalizers, owners and namespaces, and workloads
 * that become available by themselves. Only what Calico's actors lean on; the real ones are tested in their own folders.
 */
import type { KubeObject, Pod } from '../../../../src/kube/objects.ts';
import type { Cancel, ObjectStore, SimulatedTime, StoreEvent } from '../../../../src/twin/world.ts';

type Ref = { name: string; namespace?: string | undefined };
type Filter = { namespace?: string; labels?: Record<string, string> };

const CLUSTER_WIDE =
  /^(nodes|namespaces)$|\.(operator\.tigera|rbac\.authorization|apiextensions|apiregistration|storage)\.k?8?s?\.?io$/;

export class FakeStore implements ObjectStore {
  readonly objects = new Map<string, KubeObject>();
  /** Resources whose CRD is gone. */
  readonly gone = new Set<string>();
  /** How many seconds a workload takes to become available. */
  readySeconds = 30;
  private readonly hooks = new Set<{ resource: string; hook: (event: StoreEvent<never>) => void }>();
  private readonly time: SimulatedTime;
  private uid = 0;

  constructor(time: SimulatedTime) {
    this.time = time;
  }

  private key(resource: string, { name, namespace }: Ref): string {
    return `${resource}|${namespace ?? ''}|${name}`;
  }

  has(resource: string): boolean {
    return !this.gone.has(resource);
  }

  get<T extends KubeObject>(resource: string, name: string, namespace?: string): T | undefined {
    return this.objects.get(this.key(resource, { name, namespace })) as T | undefined;
  }

  list<T extends KubeObject>(resource: string, filter: Filter = {}): T[] {
    return [...this.objects]
      .filter(([key]) => key.startsWith(`${resource}|`))
      .map(([, object]) => object)
      .filter(({ metadata }) => !filter.namespace || metadata.namespace === filter.namespace)
      .filter(({ metadata }) => Object.entries(filter.labels ?? {}).every(([k, v]) => metadata.labels?.[k] === v))
      .sort((a, b) =>
        `${a.metadata.namespace}/${a.metadata.name}` < `${b.metadata.namespace}/${b.metadata.name}` ? -1 : 1,
      ) as T[];
  }

  podsOnNode(node: string): Pod[] {
    return this.list<Pod>('pods').filter((pod) => pod.spec?.nodeName === node);
  }

  create<T extends KubeObject>(resource: string, object: T): T {
    if (!this.has(resource)) throw new Error(`no matches for ${resource}`);
    const key = this.key(resource, object.metadata);
    if (this.objects.has(key)) throw new Error(`${key} already exists`);
    const { namespace } = object.metadata;
    if (namespace && !CLUSTER_WIDE.test(resource)) {
      const home = this.get('namespaces', namespace);
      if (!home) throw new Error(`namespaces "${namespace}" not found`);
      if (home.metadata.deletionTimestamp) throw new Error(`namespace ${namespace} is being terminated`);
    }
    const made = structuredClone(object);
    made.metadata.uid = `uid-${++this.uid}`;
    made.metadata.generation = 1;
    this.objects.set(key, made);
    this.tell({ type: 'ADDED', resource, object: made, previous: undefined });
    this.workload(resource, made);
    return made;
  }

  update<T extends KubeObject>(resource: string, ref: Ref, change: (draft: T) => void): T | undefined {
    const previous = this.get<T>(resource, ref.name, ref.namespace);
    if (!previous) return undefined;
    const draft = structuredClone(previous);
    change(draft);
    if (JSON.stringify(draft) === JSON.stringify(previous)) return previous;
    const specChanged = JSON.stringify(draft.spec) !== JSON.stringify(previous.spec);
    if (specChanged) draft.metadata.generation = (previous.metadata.generation ?? 1) + 1;
    this.objects.set(this.key(resource, ref), draft);
    this.tell({ type: 'MODIFIED', resource, object: draft, previous });
    if (specChanged) this.workload(resource, draft);
    if (draft.metadata.deletionTimestamp) this.finish(resource, ref);
    return draft;
  }

  remove(resource: string, ref: Ref): boolean {
    const object = this.get(resource, ref.name, ref.namespace);
    if (!object) return false;
    if (!object.metadata.deletionTimestamp) {
      this.update(resource, ref, (draft) => {
        draft.metadata.deletionTimestamp = 'now';
      });
    }
    this.finish(resource, ref);
    return true;
  }

  onChange<T extends KubeObject>(resource: string, hook: (event: StoreEvent<T>) => void): Cancel {
    const entry = { resource, hook: hook as (event: StoreEvent<never>) => void };
    this.hooks.add(entry);
    return () => void this.hooks.delete(entry);
  }

  private tell(event: StoreEvent): void {
    for (const { resource, hook } of this.hooks)
      if (resource === event.resource || resource === '*') hook(event as StoreEvent<never>);
  }

  /** Really removes an object without finalizers, and then what it owned or contained. */
  private finish(resource: string, ref: Ref): void {
    const object = this.get(resource, ref.name, ref.namespace);
    if (!object || (object.metadata.finalizers ?? []).length > 0) return;
    if (resource === 'namespaces') {
      const content = [...this.objects].filter(([, other]) => other.metadata.namespace === ref.name);
      for (const [key] of content) this.later(key);
      if (content.length > 0) {
        this.time.after(1_000, () => this.finish(resource, ref));
        return;
      }
    }
    this.objects.delete(this.key(resource, ref));
    this.tell({ type: 'DELETED', resource, object, previous: object });
    for (const [key, other] of [...this.objects]) {
      if (other.metadata.ownerReferences?.some((owner) => owner.uid === object.metadata.uid)) this.later(key);
    }
  }

  private later(key: string): void {
    const [resource, namespace, name] = key.split('|') as [string, string, string];
    this.time.after(resource === 'pods' ? 1_500 : 100, () =>
      this.remove(resource, { name, ...(namespace ? { namespace } : {}) }),
    );
  }

  /** Makes a workload's pods at once and calls it available after {@link readySeconds}. */
  private workload(resource: string, object: KubeObject): void {
    if (resource !== 'daemonsets.apps' && resource !== 'deployments.apps') return;
    const { name, namespace, generation, uid } = object.metadata;
    const spec = object.spec as { replicas?: number; template: { metadata: { labels: Record<string, string> } } };
    const nodes = this.list('nodes').map((node) => node.metadata.name);
    const count = resource === 'daemonsets.apps' ? nodes.length : (spec.replicas ?? 1);
    for (let i = 0; i < count; i++) {
      if (this.get('pods', `${name}-${i}`, namespace)) continue;
      this.create('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: `${name}-${i}`,
          namespace: namespace!,
          labels: spec.template.metadata.labels,
          ownerReferences: [{ apiVersion: 'apps/v1', kind: object.kind!, name, uid: uid! }],
        },
        spec: { nodeName: nodes[i % Math.max(1, nodes.length)] },
        status: { phase: 'Running' },
      });
    }
    this.time.after(this.readySeconds * 1_000, () => {
      this.update(resource, { name, namespace }, (draft) => {
        draft.status =
          resource === 'daemonsets.apps'
            ? {
                observedGeneration: generation,
                desiredNumberScheduled: count,
                updatedNumberScheduled: count,
                numberAvailable: count,
              }
            : { observedGeneration: generation, availableReplicas: count, updatedReplicas: count };
      });
    });
  }
}
