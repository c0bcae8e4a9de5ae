/** The EndpointSlice controller: who stands behind a Service now (pkg/controller/endpointslice; IPv4 only). */
import type { EndpointSlice, Pod, Service } from '../../kube/objects.ts';
import { controllerReference, equal, keyOf, ownedBy, refOf } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { isDeleting, isReady, isTerminal, podIndex } from './pods.ts';
import { carries } from './selectors.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'endpointslices.discovery.k8s.io';
const MAX_ENDPOINTS = 100;
const LATENCY_MS = 10;

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
type Ports = NonNullable<EndpointSlice['ports']>;

/** A named target port is looked up in the pod; pods that lack it get a slice of their own in real clusters, none here. */
export function portsFor(service: Service, pod: Pod | undefined): Ports {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const target = port.targetPort ?? port.port;
    const named = (pod?.spec?.containers ?? [])
      .flatMap((container) => container.ports ?? [])
      .find((one) => one.name === target && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
    const number = typeof target === 'number' ? target : (named?.containerPort ?? Number(target));
    if (!Number.isInteger(number)) return [];
    return [
      {
        name: port.name ?? '',
        port: number,
        protocol: port.protocol ?? 'TCP',
        ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
      },
    ];
  });
}

function endpointOf(pod: Pod, publishNotReady: boolean): Endpoint {
  const serving = isReady(pod);
  const terminating = isDeleting(pod);
  return {
    addresses: [pod.status!.podIP!],
    conditions: { ready: publishNotReady || (serving && !terminating), serving, terminating },
    ...(pod.spec?.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
    targetRef: {
      kind: 'Pod',
      name: pod.metadata.name,
      namespace: pod.metadata.namespace ?? '',
      uid: pod.metadata.uid ?? '',
    },
  };
}

/** A change that no endpoint shows: most of a pod's status posts are such. */
export const sameEndpoint = (a: Pod, b: Pod): boolean =>
  a.metadata.labels === b.metadata.labels &&
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  a.spec?.nodeName === b.spec?.nodeName &&
  a.status?.podIP === b.status?.podIP &&
  isTerminal(a) === isTerminal(b) &&
  isReady(a) === isReady(b);

export function startEndpointSlices(plane: ControlPlane): void {
  const { world } = plane;
  const { store } = world;
  const pods = podIndex(store);

  const reconcile = (key: string): void => {
    const { name, namespace } = refOf(key);
    const service = store.get<Service>('services', name, namespace);
    const selector = service?.spec?.selector;
    if (service === undefined || selector === undefined || Object.keys(selector).length === 0) return;
    if (service.spec?.type === 'ExternalName') return;
    const members = pods
      .inNamespace(namespace ?? '')
      .filter((pod) => carries(pod.metadata.labels ?? {}, selector) && !isTerminal(pod) && pod.status?.podIP);
    const endpoints = members.map((pod) => endpointOf(pod, service.spec?.publishNotReadyAddresses ?? false));
    const ports = members.length === 0 ? undefined : portsFor(service, members[0]);
    const groups: Endpoint[][] = [];
    for (let i = 0; i < Math.max(1, endpoints.length); i += MAX_ENDPOINTS) {
      groups.push(endpoints.slice(i, i + MAX_ENDPOINTS));
    }
    write(service, groups, ports);
  };

  const write = (service: Service, groups: readonly Endpoint[][], ports: Ports | undefined): void => {
    const namespace = service.metadata.namespace ?? '';
    const label = { 'kubernetes.io/service-name': service.metadata.name };
    const existing = store
      .list<EndpointSlice>(RESOURCE, { namespace, labels: label })
      .filter((slice) => ownedBy(slice, service.metadata.uid));
    groups.forEach((endpoints, i) => {
      const slice = existing[i];
      if (slice === undefined) {
        create(service, endpoints, ports);
      } else if (!equal(slice.endpoints ?? [], endpoints) || !equal(slice.ports, ports)) {
        store.update<EndpointSlice>(RESOURCE, { name: slice.metadata.name, namespace }, (draft) => {
          draft.endpoints = endpoints;
          if (ports === undefined) delete draft.ports;
          else draft.ports = ports;
        });
      }
    });
    for (const surplus of existing.slice(groups.length)) {
      store.remove(RESOURCE, { name: surplus.metadata.name, namespace });
    }
  };

  const create = (service: Service, endpoints: Endpoint[], ports: Ports | undefined): void => {
    const headless = service.spec?.clusterIP === 'None';
    store.create<EndpointSlice>(RESOURCE, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: `${service.metadata.name}-`,
        namespace: service.metadata.namespace ?? '',
        labels: {
          ...service.metadata.labels,
          'kubernetes.io/service-name': service.metadata.name,
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          ...(headless && { 'service.kubernetes.io/headless': '' }),
        },
        ownerReferences: [
          controllerReference({
            apiVersion: 'v1',
            kind: 'Service',
            name: service.metadata.name,
            uid: service.metadata.uid!,
          }),
        ],
      } as unknown as EndpointSlice['metadata'],
      addressType: 'IPv4',
      endpoints,
      ...(ports !== undefined && { ports }),
    });
  };

  const queue = workQueue(plane, reconcile, { latencyMs: LATENCY_MS });
  plane.onElected(() => {
    for (const service of store.list<Service>('services')) queue.add(keyOf(service));
  });
  store.onChange<Service>('services', (event) => {
    if (event.type !== 'DELETED') queue.add(keyOf(event.object));
  });
  store.onChange<Pod>('pods', ({ type, object, previous }) => {
    if (type === 'MODIFIED' && previous !== undefined && sameEndpoint(object, previous)) return;
    const namespace = object.metadata.namespace ?? '';
    for (const service of store.list<Service>('services', { namespace })) {
      const selector = service.spec?.selector;
      if (selector === undefined || Object.keys(selector).length === 0) continue;
      if (carries(object.metadata.labels ?? {}, selector) || carries(previous?.metadata.labels ?? {}, selector)) {
        queue.add(keyOf(service));
      }
    }
  });
}
