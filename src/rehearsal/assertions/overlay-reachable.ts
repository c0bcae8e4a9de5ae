/**
 * Cilium's tunnel carries packets between all nodes. Nothing else tells: agents call themselves Ready with a dead
 * overlay, `cilium-health` shows 0/0 for a minute (observed), and probes use the tunnel only when a pod is behind it.
 * Asked from the nodes themselves: the encapsulation device, the routes, and a GET of every other agent's health
 * endpoint, which lies inside its pod CIDR. (The agent also answers on its node's address; that is the underlay.)
 */
import { HEALTH_PORT, hasHealthEndpoint, tunnelDeviceOf, tunnelPortOf } from '../../cni/cilium.ts';
import { type CiliumNode, ciliumNodes } from '../../cni/resources.ts';
import type { PlannedCheckpoint } from '../../events/events.ts';
import { bounded } from '../bounded.ts';
import { nodeNames, type Rehearsal } from '../rehearsal.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

const PARALLEL = 16;
const SECONDS = 3;
const KUBELET_PORT = 10_250;
/** Above this many nodes each looks at the next few in a ring, and the nodes that the step changed look at all. */
const FULL_MESH_UP_TO = 20;
const RING = 5;

interface Link {
  ifname?: string;
  flags?: string[];
  linkinfo?: { info_data?: { port?: number } };
}

interface Route {
  dst?: string;
  type?: string;
}

/** What is wrong with a node's tunnel device, from `ip -json -details link show`. */
export function deviceProblem(linksJson: string, device: string, port: number): string | null {
  const link = (JSON.parse(linksJson) as Link[]).find(({ ifname }) => ifname === device);
  if (!link) return `there is no ${device}`;
  if (!link.flags?.includes('UP')) return `${device} is DOWN (is UDP ${port} in use by another overlay?)`;
  const actual = link.linkinfo?.info_data?.port;
  return actual === port ? null : `${device} uses UDP ${actual}, not ${port}`;
}

/** Which of the pod CIDRs the node has no route to, from `ip -json -4 route show table main`. */
export function missingRoutes(routesJson: string, cidrs: readonly string[]): string[] {
  const routes = (JSON.parse(routesJson) as Route[]).filter(({ type }) => type !== 'blackhole').map(({ dst }) => dst);
  return cidrs.filter((cidr) => !routes.includes(cidr));
}

/** For each node the others that it looks at. Everything is looked at up to 20 nodes. */
export function looksOf(nodes: readonly string[], changed: readonly string[]): Map<string, string[]> {
  if (nodes.length <= FULL_MESH_UP_TO) {
    return new Map(nodes.map((node) => [node, nodes.filter((other) => other !== node)]));
  }
  return new Map(
    nodes.map((node, index) => {
      const next = Array.from({ length: RING }, (_, step) => nodes[(index + step + 1) % nodes.length]!);
      return [node, [...new Set([...next, ...changed])].filter((other) => other !== node)];
    }),
  );
}

export const overlayReachable: Assertion = async (rehearsal, _checkpoint, _context, batch) => {
  const list = (await rehearsal.rawApi.list(ciliumNodes)).items;
  const byName = new Map(list.map((node) => [node.metadata.name, node]));
  const nodes = nodeNames(rehearsal);
  const looks = looksOf(nodes, changedBy(batch));
  const problems = nodes.flatMap((node) => nodeProblems(node, byName.get(node)));
  problems.push(
    ...(await bounded(nodes, PARALLEL, (node) => lookAround(rehearsal, node, looks.get(node)!, byName))).flat(),
  );
  const full = nodes.length <= FULL_MESH_UP_TO;
  const pairs = [...looks.values()].reduce((sum, others) => sum + others.length, 0);
  return judged(
    'overlay-reachable',
    "every node's tunnel device is up, and every node reaches the others' health endpoints through it",
    problems,
    full
      ? `all ${pairs} directions`
      : `${pairs} directions: each node to the next ${RING}, and to what the step changed`,
  );
};

function changedBy(batch: readonly PlannedCheckpoint[]): string[] {
  return batch.flatMap(({ node }) => node ?? []);
}

function nodeProblems(name: string, node: CiliumNode | undefined): Problem[] {
  if (!node) return [{ subject: name, text: 'has no CiliumNode' }];
  if ((node.spec?.ipam?.podCIDRs ?? []).length > 0) return [];
  const error = node.status?.ipam?.['operator-status']?.error;
  return [{ subject: name, text: `has no pod CIDR${error ? `: ${error}` : ''}` }];
}

async function lookAround(
  rehearsal: Rehearsal,
  node: string,
  others: readonly string[],
  byName: ReadonlyMap<string, CiliumNode>,
): Promise<Problem[]> {
  const { commands, found } = rehearsal;
  const problems: Problem[] = [];
  const device = deviceProblem(await commands.links(node), tunnelDeviceOf(found.values), tunnelPortOf(found.values));
  if (device !== null) problems.push({ subject: node, text: device });
  const cidrs = others.flatMap((other) => byName.get(other)?.spec?.ipam?.podCIDRs ?? []);
  for (const cidr of missingRoutes(await commands.routes(node), cidrs)) {
    problems.push({ subject: node, text: `has no route to ${cidr}` });
  }
  for (const other of others) {
    const answer = await reach(rehearsal, node, byName.get(other));
    if (answer !== null) problems.push({ subject: node, text: `cannot reach ${other} through the overlay: ${answer}` });
  }
  return problems;
}

/** Null when the other node answered. */
async function reach(rehearsal: Rehearsal, node: string, other: CiliumNode | undefined): Promise<string | null> {
  if (!other) return 'it has no CiliumNode';
  const { commands, found } = rehearsal;
  if (!hasHealthEndpoint(found.values)) {
    const router = other.spec?.addresses?.find(({ type }) => type === 'CiliumInternalIP')?.ip;
    if (router === undefined) return 'it has no CiliumInternalIP';
    // kind's node image has no ping. The kubelet listens on every address of its node, and any status is an answer.
    const { status, error } = await commands.httpStatus(node, `https://${router}:${KUBELET_PORT}/healthz`, SECONDS);
    return status > 0 ? null : `no answer from its CiliumInternalIP ${router}: ${error}`;
  }
  const health = other.spec?.health?.ipv4;
  if (!health) return 'it has no health endpoint yet';
  const { status, error } = await commands.httpStatus(node, `http://${health}:${HEALTH_PORT}/hello`, SECONDS);
  return status === 200 ? null : error || `its health endpoint answers ${status}`;
}
