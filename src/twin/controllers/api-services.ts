/** Availability of aggregated APIs (kube-aggregator): a Service with ready endpoints that answers. */
import type { ApiService, EndpointSlice, Service } from '../../kube/objects.ts';
import type { ObjectStore } from '../world.ts';
import { clone, conditionOf, keyOf, setCondition } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'apiservices.apiregistration.k8s.io';
/** The availability controller looks again every 30 s even when nothing changed. */
const RESYNC_MS = 30_000;

/**
 * Is the aggregated API of a group version available? undefined: no APIService with a Service claims it, so it is not
 * aggregated. While false the group's paths answer 503 `service unavailable`, and aggregated discovery says Stale.
 */
export function aggregatedApiAvailable(store: ObjectStore, group: string, version: string): boolean | undefined {
  const found = store.get<ApiService>(RESOURCE, `${version}.${group}`);
  if (found?.spec?.service === undefined) return undefined;
  return conditionOf(found.status?.conditions, 'Available')?.status === 'True';
}

/** The aggregated group versions that do not answer, as `projectcalico.org/v3`, sorted. */
export const unavailableGroups = (store: ObjectStore): string[] =>
  store
    .list<ApiService>(RESOURCE)
    .filter((one) => aggregatedApiAvailable(store, one.spec?.group ?? '', one.spec?.version ?? '') === false)
    .map((one) => `${one.spec?.group}/${one.spec?.version}`)
    .sort();

export function startApiServices(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;

  const judge = (one: ApiService): { status: string; reason: string; message: string } => {
    const service = one.spec?.service;
    if (service === undefined) {
      return { status: 'True', reason: 'Local', message: 'Local APIServices are always available' };
    }
    const { name = '', namespace = '' } = service;
    const target = store.get<Service>('services', name, namespace);
    if (target === undefined) {
      return {
        status: 'False',
        reason: 'ServiceNotFound',
        message: `service/${name} in "${namespace}" is not present`,
      };
    }
    const wanted = service.port ?? 443;
    const port = target.spec?.ports?.find((candidate) => candidate.port === wanted);
    if (port === undefined) {
      const message = `service/${name} in "${namespace}" is not listening on port ${wanted}`;
      return { status: 'False', reason: 'ServicePortError', message };
    }
    const ready = store
      .list<EndpointSlice>('endpointslices.discovery.k8s.io', {
        namespace,
        labels: { 'kubernetes.io/service-name': name },
      })
      .some((slice) => slice.endpoints?.some((endpoint) => endpoint.conditions?.ready !== false));
    if (!ready) {
      const message = `endpoints for service/${name} in "${namespace}" have no addresses with port name "${port.name ?? ''}"`;
      return { status: 'False', reason: 'MissingEndpoints', message };
    }
    const failure = discoveryFailure(one, target.spec?.clusterIP ?? '', wanted);
    return failure === undefined
      ? { status: 'True', reason: 'Passed', message: 'all checks passed' }
      : { status: 'False', reason: 'FailedDiscoveryCheck', message: failure };
  };

  /** Each API server asks through the ClusterIP from its node's own network; one that gets through is enough here. */
  const discoveryFailure = (one: ApiService, ip: string, port: number): string | undefined => {
    const servers = [...world.machines.values()].filter(
      (machine) => machine.role === 'control-plane' && machine.running(),
    );
    const url = `https://${ip}:${port}/apis/${one.spec?.group}/${one.spec?.version}`;
    let last: string | undefined;
    for (const machine of servers.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const outcome = world.network.connect({ node: machine.name }, { ip, port });
      if (outcome.ok) return undefined;
      const cause =
        outcome.failure === 'timeout'
          ? 'context deadline exceeded'
          : `dial tcp ${ip}:${port}: connect: ${outcome.errno}`;
      last = `failing or missing response from ${url}: Get "${url}": ${cause}`;
    }
    return last;
  };

  const reconcile = (key: string): void => {
    const one = store.get<ApiService>(RESOURCE, key);
    if (one === undefined) return;
    const verdict = judge(one);
    store.update<ApiService>(
      RESOURCE,
      { name: key, uid: one.metadata.uid },
      (draft) => {
        const conditions = clone(draft.status?.conditions ?? []);
        setCondition(conditions, { type: 'Available', ...verdict }, time.now());
        draft.status = { ...draft.status, conditions };
      },
      { subresource: 'status' },
    );
    if (one.spec?.service !== undefined) queue.add(key, RESYNC_MS);
  };

  const queue = workQueue(plane, reconcile);
  const behind = (namespace: string | undefined, name: string | undefined): void => {
    for (const one of store.list<ApiService>(RESOURCE)) {
      const service = one.spec?.service;
      if (service !== undefined && service.namespace === namespace && service.name === name) queue.add(keyOf(one), 20);
    }
  };
  plane.onElected(() => {
    for (const one of store.list<ApiService>(RESOURCE)) queue.add(keyOf(one));
  });
  store.onChange<ApiService>(RESOURCE, (event) => {
    if (event.type !== 'DELETED') queue.add(keyOf(event.object));
  });
  store.onChange<Service>('services', ({ object }) => behind(object.metadata.namespace, object.metadata.name));
  store.onChange<EndpointSlice>('endpointslices.discovery.k8s.io', ({ object }) =>
    behind(object.metadata.namespace, object.metadata.labels?.['kubernetes.io/service-name']),
  );
}
