/**
 * The Endpoints controller (pkg/controller/endpoint): one object a Service, beside its EndpointSlices. Deprecated since 1.33
 * and read by nobody in a rehearsal, so it runs only for onlookers.
 */
import type { KubeObject, Pod, Service } from '../../kube/objects.ts';
import { equal, keyOf, minorOf, refOf } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { portsFor, sameEndpoint } from './endpoint-slices.ts';
import { isDeleting, isReady, isTerminal, podIndex } from './pods.ts';
import { carries } from './selectors.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'endpoints';
const TRIGGER = 'endpoints.kubernetes.io/last-change-trigger-time';
/** Beyond it the object is cut (maxCapacity). */
const MOST = 1_000;
const LATENCY_MS = 20;

type Endpoints = KubeObject & { subsets?: object[] };

const addressOf = (pod: Pod): object => ({
  ip: pod.status!.podIP!,
  ...(pod.spec?.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
  targetRef: {
    kind: 'Pod',
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? '',
  },
});

export function startEndpoints(plane: ControlPlane): void {
  const { world } = plane;
  if (world.config.forOnlookers !== true) return;
  const { store, time } = world;
  const pods = podIndex(store);

  const reconcile = (key: string): void => {
    const { name, namespace } = refOf(key);
    const service = store.get<Service>('services', name, namespace);
    if (service === undefined) {
      store.remove(RESOURCE, { name, namespace });
      return;
    }
    const selector = service.spec?.selector;
    if (selector === undefined || Object.keys(selector).length === 0 || service.spec?.type === 'ExternalName') return;
    const members = pods
      .inNamespace(namespace ?? '')
      .filter((pod) => carries(pod.metadata.labels ?? {}, selector) && !isTerminal(pod) && pod.status?.podIP)
      .filter((pod) => !isDeleting(pod))
      .slice(0, MOST);
    write(service, members.length === 0 ? undefined : [subsetOf(service, members)]);
  };

  const subsetOf = (service: Service, members: readonly Pod[]): object => {
    const anyway = service.spec?.publishNotReadyAddresses ?? false;
    const ready = members.filter((pod) => anyway || isReady(pod));
    const others = members.filter((pod) => !ready.includes(pod));
    const ports = portsFor(service, members[0]).map(({ name, ...port }) => ({ ...(name !== '' && { name }), ...port }));
    return {
      ...(ready.length > 0 && { addresses: ready.map(addressOf) }),
      ...(others.length > 0 && { notReadyAddresses: others.map(addressOf) }),
      ...(ports.length > 0 && { ports }),
    };
  };

  const write = (service: Service, subsets: object[] | undefined): void => {
    const { name, namespace = '', labels } = service.metadata;
    const since = minorOf(world.config.kubernetesVersion) >= 33;
    const wanted = {
      ...labels,
      ...(since && { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }),
      ...(service.spec?.clusterIP === 'None' && { 'service.kubernetes.io/headless': '' }),
    };
    const trigger = { [TRIGGER]: `${new Date(time.now()).toISOString().slice(0, 19)}Z` };
    const existing = store.get<Endpoints>(RESOURCE, name, namespace);
    if (existing === undefined) {
      const metadata = { name, namespace, labels: wanted, annotations: trigger } as unknown as KubeObject['metadata'];
      const object: Endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata, ...(subsets && { subsets }) };
      store.create<Endpoints>(RESOURCE, object);
    } else if (!equal(existing.subsets, subsets)) {
      store.update<Endpoints>(RESOURCE, { name, namespace }, (draft) => {
        draft.metadata.annotations = { ...draft.metadata.annotations, ...trigger };
        if (subsets === undefined) delete draft.subsets;
        else draft.subsets = subsets;
      });
    }
  };

  const queue = workQueue(plane, reconcile, { latencyMs: LATENCY_MS });
  plane.onElected(() => {
    for (const service of store.list<Service>('services')) queue.add(keyOf(service));
  });
  store.onChange<Service>('services', ({ object }) => queue.add(keyOf(object)));
  store.onChange<Pod>('pods', ({ type, object, previous }) => {
    if (type === 'MODIFIED' && previous !== undefined && sameEndpoint(object, previous)) return;
    for (const service of store.list<Service>('services', { namespace: object.metadata.namespace ?? '' })) {
      const selector = service.spec?.selector;
      if (selector === undefined || Object.keys(selector).length === 0) continue;
      if (carries(object.metadata.labels ?? {}, selector) || carries(previous?.metadata.labels ?? {}, selector)) {
        queue.add(keyOf(service));
      }
    }
  });
}
