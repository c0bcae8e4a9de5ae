/** The health endpoint: a responder in a network namespace of its own behind lxc_health, started by the agent. */
import type { NodeNetwork } from '../../network/network.ts';
import type { HttpAnswer, Process, World } from '../../world.ts';
import { type CiliumNodeState, ciliumState } from './state.ts';

/** TCP port of cilium-health on nodes and health endpoints. */
export const HEALTH_PORT = 4240;

const PREFIX = 'cilium-health/';

/** The name under which a node's health endpoint is attached to its network; no pod of the API has it. */
export function healthEndpointUid(node: string): string {
  return `${PREFIX}${node}`;
}

/** Answers `GET /hello` as cilium-health-responder does. */
export function healthAnswer(port: number, path: string): HttpAnswer {
  return port === HEALTH_PORT && path === '/hello'
    ? { status: 200, body: '' }
    : { status: 404, body: '404 page not found\n' };
}

/**
 * What listens behind a health endpoint's uid, for the machines' look-up of listeners: undefined for any other uid, and
 * while the agent of that node is not up (the responder is its child).
 */
export function healthEndpointProcess(world: World, podUid: string): Process | undefined {
  if (!podUid.startsWith(PREFIX)) return undefined;
  const state = ciliumState(world).nodes.get(podUid.slice(PREFIX.length));
  if (state === undefined || state.config?.endpointHealthChecking !== true || !state.healthResponding) return undefined;
  return { ports: [HEALTH_PORT], http: healthAnswer };
}

/** A fresh health endpoint, as every agent start makes one (recorded: the index of lxc_health changes). */
export function attachHealthEndpoint(network: NodeNetwork, state: CiliumNodeState): void {
  const podUid = healthEndpointUid(state.node);
  detachHealthEndpoint(network, state.node);
  if (state.healthIp === undefined) return;
  network.attachPod({
    podUid,
    namespace: '',
    name: `cilium-health-${state.node}`,
    ip: state.healthIp,
    device: 'lxc_health',
    cni: 'cilium',
    labels: {},
  });
  const link = network.link('lxc_health');
  if (link === undefined)
    network.addLink({ name: 'lxc_health', kind: 'veth', mtu: state.mtu.device, up: true, podUid });
  else if (link.mtu !== state.mtu.device) network.setLink('lxc_health', { mtu: state.mtu.device });
}

export function detachHealthEndpoint(network: NodeNetwork, node: string): void {
  if (network.pod(healthEndpointUid(node)) !== undefined) network.detachPod(healthEndpointUid(node));
  if (network.link('lxc_health') !== undefined) network.deleteLink('lxc_health');
}
