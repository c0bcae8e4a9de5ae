/**
 * Who gets through to an API server's port: the rules of its node's network namespace decide. All who ask (kubectl through
 * Docker's port mapping, kind's load balancer, kubelets, agents, the control plane itself) are taken to share one answer,
 * so rules that tell them apart are refused by name.
 */
import { formatAddress, parsePrefix } from '../network/address.ts';
import type { NodeNetwork } from '../network/network.ts';
import { NetworkNotModelled } from '../network/packet.ts';
import type { World } from '../world.ts';

const API_PORT = 6443;

/** Other nodes that are asked: rules written for one of a thousand do not exist in a rehearsal. */
const MOST_PEERS = 8;

/** Answers whether the rules of a control plane let connections to its API server in; asked anew when they change. */
export function apiAdmission(world: World): (node: string) => boolean {
  const known = new Map<string, { own: NodeNetwork; rules: number; admits: boolean }>();
  return (node) => {
    const own = world.network.node(node);
    // A node that has no namespace has no rules.
    if (own === undefined) return true;
    let answer = known.get(node);
    if (answer?.own !== own || answer.rules !== own.rulesRevision) {
      answer = { own, rules: own.rulesRevision, admits: admits(world, own) };
      known.set(node, answer);
    }
    return answer.admits;
  };
}

/** @throws NetworkNotModelled where the rules differ by who asks, or drop without a word */
function admits({ network, machines, config }: World, own: NodeNetwork): boolean {
  const { node } = own;
  // Docker's port mapping and kind's load balancer come from the container network; the bridge has its first address.
  const bridge = formatAddress(parsePrefix(config.nodeSubnet).base + 1);
  const peers = [...machines.values()].filter(({ name, address }) => name !== node && address !== '');
  const sources = ['127.0.0.1', own.address, bridge, ...peers.slice(0, MOST_PEERS).map(({ address }) => address)];
  const verdicts = new Set(sources.map((source) => network.admission(node, source, API_PORT)));
  if (verdicts.size > 1) {
    throw new NetworkNotModelled(`rules of ${node} that let only some reach its API server on port ${API_PORT}`);
  }
  if (verdicts.has('ok')) return true;
  // Nobody is told that a dropped connection is lost: clients hang where the embedded API answers at once.
  if (verdicts.has('timeout')) throw new NetworkNotModelled(`port ${API_PORT} of ${node} dropped without REJECT`);
  return false;
}
