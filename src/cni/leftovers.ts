/** What Calico leaves on a node: files in the CNI directory, and state of the kernel until the node is restarted. */
import type { Leftover } from '../events/events.ts';

/** Where the kubelet's runtime looks for its network. */
export const CNI_DIRECTORY = '/etc/cni/net.d';
export const CILIUM_CONFLIST = '05-cilium.conflist';
export const CALICO_CONFLIST = '10-calico.conflist';
/** Suffix with which an exclusive Cilium agent takes other configurations out of use (cilium 1.19 daemon/cmd/cni). */
export const BACKUP_SUFFIX = '.cilium_bak';

/** Files of the CNI directory that install-cni of Calico wrote, as they are or renamed by Cilium. */
export function isCalicoCniFile(name: string): boolean {
  return name === 'calico-kubeconfig' || name.replace(BACKUP_SUFFIX, '') === CALICO_CONFLIST;
}

/** Is this a configuration that the runtime would use? It takes the first by name (containerd, libcni). */
export function isCniConfig(name: string): boolean {
  return /\.(conf|conflist|json)$/.test(name);
}

/** Files outside the CNI directory; no process reads them any more (projectcalico/calico v3.31.7 node, cni-plugin). */
const FILES_THAT_STAY = [
  {
    name: '/opt/cni/bin/calico, /opt/cni/bin/calico-ipam',
    remedy: 'rm -f /opt/cni/bin/calico /opt/cni/bin/calico-ipam',
  },
  { name: '/var/lib/calico, /var/log/calico', remedy: 'rm -rf /var/lib/calico /var/log/calico' },
];

/** What the removal leaves on every node for good, by design. */
export function filesThatStay(node: string): Leftover[] {
  return FILES_THAT_STAY.map(({ name, remedy }) => ({
    node,
    kind: 'files',
    name,
    harmless: true,
    remedy: `docker exec ${node} ${remedy}`,
  }));
}

/** What stays in the API for good: annotations, and kube-proxy's idea of the pods' network. */
export function apiTracesThatStay(node: string, podCidr: string | undefined): Leftover[] {
  return [
    {
      node,
      kind: 'annotations',
      name: 'projectcalico.org/*',
      harmless: true,
      remedy: `kubectl annotate node ${node} projectcalico.org/IPv4Address- projectcalico.org/IPv4VXLANTunnelAddr- projectcalico.org/IPv4IPIPTunnelAddr- projectcalico.org/Interfaces-`,
    },
    ...(podCidr === undefined
      ? []
      : [
          {
            node,
            kind: 'Node.spec.podCIDR',
            name: podCidr,
            harmless: true,
            remedy: 'immutable; not used by Cilium with cluster-pool IPAM',
          },
        ]),
  ];
}

/** What the node's kernel was asked for. */
export interface KernelState {
  /** Standard output of `ip -json -details link show`. */
  readonly links: string;
  /** Standard output of `ip -json -4 route show table main`. */
  readonly routes: string;
  /** Standard output of `iptables-save`. */
  readonly iptables: string;
}

interface IpLink {
  ifname?: string;
  flags?: string[];
}

interface IpRoute {
  dst?: string;
  dev?: string;
  type?: string;
  protocol?: string | number;
}

/** Routes of Felix carry protocol 80, those of BIRD `bird` (projectcalico/calico v3.31.7 felix/routetable, confd). */
const CALICO_PROTOCOLS = ['80', 'bird'];

function isCalicoLink(link: IpLink): boolean {
  const name = link.ifname ?? '';
  // tunl0 is in every network namespace once the ipip module is loaded; only Calico brings it up.
  if (name === 'tunl0') return link.flags?.includes('UP') === true;
  return /^cali[0-9a-f]/.test(name) || name === 'vxlan.calico' || name === 'vxlan-v6.calico';
}

/**
 * Devices, routes and rules of Calico in the node's network namespace, one entry a kind that lists its names.
 * @throws SyntaxError when the output is not what iproute2 prints
 */
export function kernelLeftovers(node: string, state: KernelState): Leftover[] {
  const links = (JSON.parse(state.links) as IpLink[]).filter(isCalicoLink).map((link) => link.ifname ?? '');
  const routes = (JSON.parse(state.routes) as IpRoute[])
    .filter(
      (route) =>
        CALICO_PROTOCOLS.includes(String(route.protocol ?? '')) || isCalicoLink({ ifname: route.dev ?? '', flags: [] }),
    )
    .map((route) => `${route.type === 'blackhole' ? 'blackhole ' : ''}${route.dst ?? ''}`);
  const chains = [...state.iptables.matchAll(/^:(cali-\S+)/gm)].map((match) => match[1]!);
  const remedy = `docker restart -t 30 ${node}`;
  const found: Leftover[] = [];
  const add = (kind: string, names: readonly string[]): void => {
    const unique = [...new Set(names)].sort();
    if (unique.length === 0) return;
    const shown = unique.slice(0, 3).join(', ');
    const name = unique.length > 3 ? `${shown} and ${unique.length - 3} more` : shown;
    found.push({ node, kind, name, harmless: false, remedy });
  };
  add('interfaces', links);
  add('routes', routes);
  add('iptables chains', chains);
  return found;
}
