/**
 * `services/[SCHEME:]NAME[:PORT]/proxy/PATH`: the API server asks one of the Service's endpoints on the client's behalf
 * (pkg/registry/core/service/storage, ResourceLocation). Texts as there.
 */
import type { EndpointSlice, KubeObject, Pod, Service } from '../../kube/objects.ts';
import type { ApiResponse } from '../../kube/transport.ts';
import type { Route } from './route.ts';
import type { ProxyOutcome, ServerRequest } from './server.ts';
import { badRequest, notFound, notModelled, StatusError } from './status.ts';
import type { Store } from './store.ts';

const unavailable = (text: string): StatusError => new StatusError(503, 'ServiceUnavailable', text);

/** The endpoint's answer, whatever it is. @throws StatusError when none could be asked */
export function proxyToService(
  route: Route,
  request: ServerRequest,
  store: Store,
  proxy: ((pod: Pod, port: number, path: string) => ProxyOutcome) | undefined,
): ApiResponse {
  const { info, namespace = '' } = route;
  const id = route.name ?? '';
  const parts = id.split(':');
  if (parts.length > 3 || (parts.length === 3 && parts[0] !== 'http' && parts[0] !== 'https')) {
    throw badRequest(`invalid service request ${JSON.stringify(id)}`);
  }
  const [name = '', asked = ''] = parts.length === 3 ? parts.slice(1) : parts;
  const service = store.get<Service>('services', name, namespace);
  const numbered = /^\d+$/.test(asked);
  if (service === undefined) throw notFound(info, name);
  const port = service.spec?.ports?.find((one) => one.port === Number(asked));
  if (numbered && port === undefined) throw unavailable(`no service port ${asked} found for service "${name}"`);
  const portName = numbered ? (port?.name ?? '') : asked;
  const endpoints = endpointsOf(store, namespace, name);
  if (endpoints.length === 0) throw unavailable(`no endpoints available for service "${name}"`);
  const fitting = endpoints.filter((one) => one.port === portName);
  if (fitting.length === 0) throw unavailable(`no endpoints available for service "${id}"`);
  // A real server draws lots; here the version of the store does, so that nothing but the state decides.
  const { target, number } = fitting[store.resourceVersion() % fitting.length]!;
  const pod = store.get<KubeObject>('pods', target, namespace) as Pod | undefined;
  if (proxy === undefined || pod === undefined)
    throw notModelled(`the proxy to service ${name}, behind which is no pod`);
  const search = new URLSearchParams([...request.query]).toString();
  const outcome = proxy(pod, number, search === '' ? route.rest : `${route.rest}?${search}`);
  if ('error' in outcome) throw unavailable(`error trying to reach service: ${outcome.error}`);
  return { status: outcome.status, headers: {}, body: outcome.body };
}

/** Ready endpoints, once for each of their ports. */
function endpointsOf(store: Store, namespace: string, service: string) {
  return store
    .list<EndpointSlice>('endpointslices.discovery.k8s.io', {
      namespace,
      labels: { 'kubernetes.io/service-name': service },
    })
    .flatMap(({ endpoints, ports }) =>
      (endpoints ?? [])
        .filter((one) => one.conditions?.ready !== false)
        .flatMap((one) =>
          (ports ?? []).map((port) => ({
            port: port.name ?? '',
            number: port.port ?? 0,
            target: one.targetRef?.name ?? '',
          })),
        ),
    );
}
