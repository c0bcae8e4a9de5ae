/**
 * The `calico` CNI plugin, the binary in /opt/cni/bin: works without calico-node as long as that has run once on the node
 * (observed: after a restart pods get addresses before calico-node is back).
 */
import { createHash } from 'node:crypto';
import type { Pod } from '../../../kube/objects.ts';
import type { CniPlugin, Machine, World } from '../../world.ts';
import { assign, releaseHandle } from './ipam/blocks.ts';
import { NODENAME_FILE, vethMtu } from './node/files.ts';
import { CNI_KUBECONFIG } from './node/install.ts';
import { ANNOTATIONS, RESOURCES } from './types.ts';

const NETWORK = 'k8s-pod-network';

/** `cali` and eleven digits of the hash of namespace and name (libcalico-go/lib/names/workloadendpoint; recorded). */
export function hostDevice(namespace: string, name: string): string {
  return `cali${createHash('sha1').update(`${namespace}.${name}`).digest('hex').slice(0, 11)}`;
}

/** Accounts whose token can stand in calico-kubeconfig: an own one since 3.28, calico-node's before. */
const ACCOUNTS = ['calico-cni-plugin', 'calico-node'];

export function calicoCniPlugin(world: World): CniPlugin {
  /** containerd's own record of what it attached: pod uid to IPAM handle. Survives restarts, as /var/lib/cni does. */
  const attached = new Map<string, string>();
  let sandboxes = 0;

  const refuse = (machine: Machine): string | undefined => {
    if (!machine.files.read(NODENAME_FILE)) {
      return `stat ${NODENAME_FILE}: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/`;
    }
    if (!machine.files.read(CNI_KUBECONFIG)) return `stat ${CNI_KUBECONFIG}: no such file or directory`;
    if (!world.apiAvailable()) {
      return 'error getting ClusterInformation: Get "https://10.96.0.1:443/apis/crd.projectcalico.org/v1/clusterinformations/default": dial tcp 10.96.0.1:443: connect: connection refused';
    }
    // A terminating ServiceAccount's token is no longer accepted (tigera/operator#3381, projectcalico/calico#9271).
    const account = ACCOUNTS.flatMap((name) =>
      ['calico-system', 'kube-system'].map((namespace) => world.store.get('serviceaccounts', name, namespace)),
    ).find((found) => found !== undefined);
    if (!account || account.metadata.deletionTimestamp) {
      return 'error getting ClusterInformation: connection is unauthorized: Unauthorized';
    }
    if (!world.store.has(RESOURCES.blocks)) {
      return 'error getting ClusterInformation: the server could not find the requested resource';
    }
    return undefined;
  };

  return {
    add(machine: Machine, pod: Pod): { ip: string } | { error: string } {
      const { name, uid = '' } = pod.metadata;
      const namespace = pod.metadata.namespace ?? 'default';
      const refusal = refuse(machine);
      if (refusal) return { error: refusal };
      const network = world.network.node(machine.name);
      if (!network) return { error: `network namespace of ${machine.name} is gone` };
      const containerId = createHash('sha256').update(`${uid}/${machine.startedAt()}/${sandboxes++}`).digest('hex');
      const handle = `${NETWORK}.${containerId}`;
      const assignment = assign(world, machine.name, {
        handle_id: handle,
        secondary: { namespace, node: machine.name, pod: name, timestamp: timestamp(world.time.now()) },
      });
      if ('error' in assignment) return { error: assignment.error };
      const { ip } = assignment;
      const device = hostDevice(namespace, name);
      attached.set(uid, handle);
      if (network.link(device)) network.deleteLink(device);
      network.addLink({ name: device, kind: 'veth', mtu: vethMtu(machine), up: true, podUid: uid });
      network.addRoute(`${ip} dev ${device} scope link`);
      network.attachPod({
        podUid: uid,
        namespace,
        name,
        ip,
        device,
        cni: 'calico',
        labels: { ...pod.metadata.labels },
      });
      world.store.update<Pod>('pods', { name, namespace, uid }, (draft) => {
        draft.metadata.annotations = {
          ...draft.metadata.annotations,
          [ANNOTATIONS.containerId]: containerId,
          [ANNOTATIONS.podIp]: `${ip}/32`,
          [ANNOTATIONS.podIps]: `${ip}/32`,
        };
      });
      return { ip };
    },
    del(machine: Machine, pod: { uid: string; name: string; namespace: string }): void {
      const network = world.network.node(machine.name);
      const endpoint = network?.pod(pod.uid);
      // Whoever attached the pod: its veth, and with it the route, goes with its network namespace.
      if (network && endpoint) {
        network.detachPod(pod.uid);
        if (network.link(endpoint.device)) network.deleteLink(endpoint.device);
      }
      const handle = attached.get(pod.uid);
      attached.delete(pod.uid);
      // Without the API or the CRDs nothing can be given back: the runtime would retry; the record is lost with the CRDs.
      if (handle && world.apiAvailable() && world.store.has(RESOURCES.blocks)) releaseHandle(world, handle);
    },
  };
}

/** Go's `time.Time.String()` in UTC, as IPAM attributes carry it (recorded). */
function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}000000 +0000 UTC`;
}
