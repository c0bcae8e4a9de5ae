/** The way of an API server to a pod (`pods/proxy`): from its own node, through the network as it is there. */
import type { Pod } from '../../kube/objects.ts';
import type { World } from '../world.ts';
import type { ApiHealth } from './api-health.ts';
import type { PodRegistry } from './pod-registry.ts';

/** A GET from the node of the first API server that serves; errors in the words of Go's net package. */
export function proxyFromApiServer(
  world: World,
  api: ApiHealth,
  pods: PodRegistry,
): (pod: Pod, port: number, path: string) => { status: number; body: string } | { error: string } {
  return (pod, port, path) => {
    const [node] = api.serving();
    const ip = pod.status?.podIP;
    const target = `${ip}:${port}`;
    if (node === undefined || ip === undefined) return { error: `dial tcp ${target}: connect: no route to host` };
    const outcome = world.network.connect({ node }, { ip, port });
    if (!outcome.ok) {
      return {
        error:
          outcome.failure === 'timeout'
            ? `dial tcp ${target}: i/o timeout`
            : `dial tcp ${target}: connect: ${outcome.failure === 'refused' ? 'connection refused' : outcome.errno}`,
      };
    }
    const answer = pods.answer(outcome.at, path.startsWith('/') ? path : `/${path}`);
    if (answer === undefined) return { error: 'EOF' };
    return { status: answer.status, body: answer.body };
  };
}
