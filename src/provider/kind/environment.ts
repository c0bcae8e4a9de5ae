/** The environment in which kind, helm, docker and cilium are started. Pure. */
import { clusterNodes } from '../../cni/kind-config.ts';
import type { Scenario } from '../../scenario/scenario.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];

/**
 * The caller's environment; where it names a proxy, with all that is inside the cluster left out of it. kind hands the
 * variables on to its nodes, and adds the same networks there by itself (kind providers/docker/provision.go, v0.33.0); the
 * commands here, helm above all, talk to the API server on 127.0.0.1.
 */
export function commandEnvironment(env: Environment, { cluster, cilium }: Scenario): Environment {
  if (!PROXIES.some((name) => (env[name] ?? '') !== '')) return env;
  const written = `${env.NO_PROXY ?? ''},${env.no_proxy ?? ''}`.split(',').map((entry) => entry.trim());
  const ours = [
    ...['127.0.0.1', 'localhost', '::1', '.svc', '.svc.cluster', '.svc.cluster.local'],
    ...[cluster.podSubnet, cluster.serviceSubnet, ...(cilium.podCIDR ?? [])],
    ...clusterNodes(cluster).map(({ name }) => name),
    ...(cluster.controlPlanes > 1 ? [`${cluster.name}-external-load-balancer`] : []),
  ];
  const all = [...new Set([...written, ...ours])].filter((entry) => entry !== '').join(',');
  return { ...env, NO_PROXY: all, no_proxy: all };
}
