/** The CNI plugin cilium-cni: it does everything through the agent of its node, and fails while that is not up. */
import type { Pod } from '../../../kube/objects.ts';
import type { CniPlugin, Machine, World } from '../../world.ts';
import { drawAddress } from './cilium-node.ts';
import { publishEndpoint, withdrawEndpoint } from './endpoints.ts';
import { nodeState } from './state.ts';

const NO_AGENT =
  'unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory\nIs the agent running?';
const NO_DATAPATH = 'unable to create endpoint: Cilium API client timeout exceeded';
const NO_ADDRESS =
  'unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure "No more IPs available"';

export function ciliumCniPlugin(world: World): CniPlugin {
  const add = (machine: Machine, pod: Pod): { ip: string } | { error: string } => {
    const state = nodeState(world, machine.name);
    const network = world.network.node(machine.name);
    if (network === undefined || state.config === undefined) return { error: NO_AGENT };
    // With a tunnel that cannot be set up the agent answers, but never finishes an endpoint (observed: ContainerCreating).
    if (!state.serving) return { error: state.warning === undefined ? NO_AGENT : NO_DATAPATH };
    const { random } = state;
    const taken = new Set(network.pods().map((attached) => attached.ip));
    for (const own of [state.routerIp, state.healthIp]) if (own !== undefined) taken.add(own);
    const ip = drawAddress(random, state.podCidrs, taken);
    if (ip === undefined) return { error: NO_ADDRESS };
    const device = `lxc${Array.from({ length: 12 }, () => random.integer(0, 15).toString(16)).join('')}`;
    const podUid = pod.metadata.uid!;
    if (network.pod(podUid) !== undefined) network.detachPod(podUid);
    network.attachPod({
      podUid,
      namespace: pod.metadata.namespace ?? 'default',
      name: pod.metadata.name,
      ip,
      device,
      cni: 'cilium',
      labels: { ...pod.metadata.labels },
    });
    const link = network.link(device);
    if (link === undefined) network.addLink({ name: device, kind: 'veth', mtu: state.mtu.device, up: true, podUid });
    else if (link.mtu !== state.mtu.device) network.setLink(device, { mtu: state.mtu.device });
    world.time.after(random.integer(200, 900), () => publishEndpoint(world, machine, pod, random));
    return { ip };
  };
  const del = (machine: Machine, pod: { uid: string; name: string; namespace: string }): void => {
    const network = world.network.node(machine.name);
    const attached = network?.pod(pod.uid);
    // Also a pod that Calico had attached: its veth goes with its network namespace, only Calico's IPAM is not told (observed
    // leak of the allocation).
    if (network !== undefined && attached !== undefined) {
      network.detachPod(pod.uid);
      if (network.link(attached.device) !== undefined) network.deleteLink(attached.device);
    }
    withdrawEndpoint(world, pod);
  };
  return { add, del };
}
