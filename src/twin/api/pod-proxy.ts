/** `pods/NAME:PORT/proxy/PATH`: the API server asks the pod on the client's behalf. */
import type { KubeObject, Pod } from '../../kube/objects.ts';
import type { ApiResponse } from '../../kube/transport.ts';
import type { Route } from './route.ts';
import type { ProxyOutcome, ServerRequest } from './server.ts';
import { badRequest, notFound, notModelled, StatusError } from './status.ts';
import type { Store } from './store.ts';

/** The pod's answer, whatever it is. @throws StatusError when the pod could not be asked */
export function proxyToPod(
  route: Route,
  request: ServerRequest,
  store: Store,
  proxy: ((pod: Pod, port: number, path: string) => ProxyOutcome) | undefined,
): ApiResponse {
  if (proxy === undefined) throw notModelled('pods/proxy without a network');
  const [name = '', portText = ''] = (route.name ?? '').split(':');
  const pod = store.get<KubeObject>('pods', name, route.namespace) as Pod | undefined;
  if (pod === undefined) throw notFound(route.info, name);
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const port = portText === '' ? ports[0]?.containerPort : Number(portText);
  if (port === undefined || !Number.isInteger(port)) throw notModelled(`the pod proxy to port ${portText || '(none)'}`);
  // pkg/registry/core/pod/strategy.go ResourceLocation: an address that cannot be parsed is not allowed.
  if (pod.status?.podIP === undefined || pod.status.podIP === '') throw badRequest('address not allowed');
  const search = new URLSearchParams([...request.query]).toString();
  const outcome = proxy(pod, port, search === '' ? route.rest : `${route.rest}?${search}`);
  if ('error' in outcome) {
    const text = `error trying to reach service: ${outcome.error}`;
    throw new StatusError(503, 'ServiceUnavailable', text);
  }
  return { status: outcome.status, headers: {}, body: outcome.body };
}
