/** What each probe says at the end: goldpinger's `/check`, through the API's proxy, else from the pod's own node. */
import type { Host } from '../host/host.ts';
import type { KubeApi } from '../kube/api.ts';
import type { Pod } from '../kube/objects.ts';
import { probeOf } from '../probe/instances.ts';
import { PROBE_PORT } from '../probe/manifests.ts';
import { Door, type Item, LookFailed } from './items.ts';

const LIMIT_MS = 4_000;
export const MOST_READINGS = 60;

/** @param first does a pod come first */
export function readingItems(
  { api, host, apiDoor, dockerDoor }: { api: KubeApi; host: Host; apiDoor: Door; dockerDoor: Door },
  list: readonly Pod[],
  first: (pod: Pod) => boolean,
): Item[] {
  const probes = list.filter((pod) => probeOf(pod) !== undefined && !pod.metadata.deletionTimestamp);
  return [...probes.filter(first), ...probes.filter((pod) => !first(pod))].slice(0, MOST_READINGS).map((pod): Item => {
    const { namespace = 'default', name } = pod.metadata;
    const byProxy = async (signal: AbortSignal): Promise<string> => {
      const ref = { namespace, name, port: PROBE_PORT };
      const { status, body } = await api.proxyPod(ref, '/check', { signal, timeoutMs: LIMIT_MS });
      if (status !== 200) throw new Error(`the pod answered ${status}`);
      return body;
    };
    return {
      what: `what ${name} on ${pod.spec?.nodeName ?? 'no node'} measures`,
      file: `readings/${name}.json`,
      // Both ways, one after the other.
      limitMs: 3 * LIMIT_MS,
      // One that cannot be asked says nothing of the others.
      door: new Door(name, apiDoor),
      gather: async (signal) => {
        try {
          return pretty(await byProxy(signal));
        } catch (error) {
          const ip = pod.status?.podIP ?? '';
          const node = pod.spec?.nodeName ?? '';
          if (ip === '' || node === '' || dockerDoor.shut !== null || signal.aborted) throw error;
          return pretty(await byNode(host, node, ip, signal));
        }
      },
    };
  });
}

async function byNode(host: Host, node: string, ip: string, signal: AbortSignal): Promise<string> {
  const curl = ['curl', '--silent', '--show-error', '--noproxy', '*', '--max-time', '3'];
  const words = ['exec', node, ...curl, `http://${ip}:${PROBE_PORT}/check`];
  const { exitCode, stdout, stderr } = await host.run('docker', words, { timeoutMs: 2 * LIMIT_MS, signal });
  if (exitCode !== 0) throw new LookFailed(exitCode, stderr);
  return stdout;
}

function pretty(body: string): string {
  try {
    return `${JSON.stringify(JSON.parse(body), null, 1)}\n`;
  } catch {
    return body;
  }
}
