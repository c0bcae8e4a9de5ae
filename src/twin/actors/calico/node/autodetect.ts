/** How calico-node finds its own address (node/pkg/lifecycle/startup/autodetection, the same in v3.25.1 and v3.32.1). */
import type { Node } from '../../../../kube/objects.ts';
import type { NodeNetwork } from '../../../network/network.ts';
import { contains, parseCidr, parseIp } from '../ipv4.ts';

export interface Detected {
  /** Address with the prefix of its interface, as the Node annotation has it. */
  readonly cidr: string;
  readonly device: string;
}

/** Interfaces that first-found never takes. `cilium_host` is not among them. */
const EXCLUDED = [
  /^docker/,
  /^cbr/,
  /^dummy/,
  /^podman/,
  /^virbr/,
  /^lxcbr/,
  /^veth/,
  /^lo/,
  /^br-/,
  /^cali/,
  /^tunl/,
  /^flannel/,
  /^kube-ipvs/,
  /^cni/,
  /^vxlan\.calico/,
  /^vxlan-v6\.calico/,
  /^wireguard\.cali/,
  /^wg-v6\.cali/,
  /^nodelocaldns/,
];

/** Interfaces with a usable IPv4 address, the HIGHEST index first (observed: that decides which nodes are hit). */
function candidates(network: NodeNetwork): Detected[] {
  const addresses = network.addresses();
  return [...network.links()]
    .filter((link) => link.up && link.kind !== 'loopback')
    .sort((a, b) => b.index - a.index)
    .flatMap((link) =>
      addresses.filter((address) => address.device === link.name).map(({ device, cidr }) => ({ cidr, device })),
    );
}

const address = (cidr: string): string => cidr.split('/')[0]!;

/** The device behind a destination by the longest matching route. */
function routeDevice(network: NodeNetwork, ip: string): string | undefined {
  let best: { prefix: number; device: string } | undefined;
  for (const route of network.routes()) {
    const destination = route.split(' ')[0]!;
    if (destination === 'blackhole') continue;
    const device = / dev (\S+)/.exec(route)?.[1];
    const cidr = parseCidr(destination === 'default' ? '0.0.0.0/0' : destination);
    if (device && contains(cidr, parseIp(ip)) && cidr.prefix >= (best?.prefix ?? 0))
      best = { prefix: cidr.prefix, device };
  }
  return best?.device;
}

/**
 * @param method value of IP_AUTODETECTION_METHOD
 * @returns undefined when no interface fits
 */
export function detectAddress(method: string, network: NodeNetwork, node: Node | undefined): Detected | undefined {
  const all = candidates(network);
  const [kind = '', argument = ''] = splitOnce(method, '=');
  const notExcluded = all.filter((found) => !EXCLUDED.some((pattern) => pattern.test(found.device)));
  switch (kind) {
    case '':
    case 'first-found':
      return notExcluded[0];
    case 'interface': {
      const patterns = argument.split(',').map((text) => new RegExp(`^(?:${text})`));
      return all.find((found) => patterns.some((pattern) => pattern.test(found.device)));
    }
    case 'skip-interface': {
      const patterns = argument.split(',').map((text) => new RegExp(`^(?:${text})`));
      return notExcluded.find((found) => !patterns.some((pattern) => pattern.test(found.device)));
    }
    case 'cidr': {
      const ranges = argument.split(',').map(parseCidr);
      return all.find((found) => ranges.some((range) => contains(range, parseIp(address(found.cidr)))));
    }
    case 'can-reach': {
      const device = /^\d+\.\d+\.\d+\.\d+$/.test(argument)
        ? routeDevice(network, argument)
        : routeDevice(network, '8.8.8.8');
      return all.find((found) => found.device === device);
    }
    case 'kubernetes-internal-ip': {
      const internal = node?.status?.addresses?.find(
        (entry) => entry.type === 'InternalIP' && !entry.address.includes(':'),
      )?.address;
      return all.find((found) => address(found.cidr) === internal);
    }
    default:
      return undefined;
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
