/**
 * The health endpoint: a responder behind lxc_health, a child of the agent. The datapath knows its address (`healthIp`), so
 * that a packet to it goes through the tunnel like one to a pod; who answers there is the agent's own listener.
 */
import type { NodeNetwork } from '../../network/network.ts';
import type { HttpAnswer } from '../../world.ts';
import type { CiliumNodeState } from './state.ts';

/** TCP port of cilium-health, on nodes and on health endpoints (recorded: it listens on the node's address too). */
export const HEALTH_PORT = 4240;

const DEVICE = 'lxc_health';

/** Answers `GET /hello` as cilium-health-responder does. */
export function healthAnswer(port: number, path: string): HttpAnswer {
  return port === HEALTH_PORT && path === '/hello'
    ? { status: 200, body: '' }
    : { status: 404, body: '404 page not found\n' };
}

/** A fresh device, as every agent start makes one (recorded: the index of lxc_health changes); none when switched off. */
export function renewHealthEndpoint(network: NodeNetwork, state: CiliumNodeState): void {
  if (network.link(DEVICE) !== undefined) network.deleteLink(DEVICE);
  if (state.healthIp !== undefined) network.addLink({ name: DEVICE, kind: 'veth', mtu: state.mtu.device, up: true });
}
