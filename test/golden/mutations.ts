/** Mistakes that a cluster could make and that the comparison must see, each as a change of the twin's lines. */
import type { Kind, Moment } from './state.ts';

export interface Mutation {
  readonly what: string;
  readonly moment: Moment;
  readonly kind: Kind;
  readonly node: string;
  change(lines: readonly string[]): readonly string[];
}

/** Changes the first line that the pattern fits. */
function first(pattern: RegExp, by: string): Mutation['change'] {
  return (lines) => {
    const at = lines.findIndex((line) => pattern.test(line));
    return lines.map((line, index) => (index === at ? line.replace(pattern, by) : line));
  };
}

function without(pattern: RegExp): Mutation['change'] {
  return (lines) => {
    const at = lines.findIndex((line) => pattern.test(line));
    return lines.filter((_line, index) => index !== at);
  };
}

const mutation = (moment: Moment, kind: Kind, node: string, what: string, change: Mutation['change']): Mutation => ({
  what: `${kind} of ${node}: ${what}`,
  moment,
  kind,
  node,
  change,
});

const WORKER = 'kind-worker';
const WORKER2 = 'kind-worker2';
const CONTROL = 'kind-control-plane';

export const MUTATIONS: readonly Mutation[] = [
  mutation(2, 'cni-directory', WORKER, 'the old configuration has another name', first(/cilium_bak /, 'bak ')),
  mutation(1, 'cni-directory', WORKER, 'a file of Cilium is there', (lines) => [
    ...lines,
    '05-cilium.conflist -rw------- 191 bytes',
  ]),
  mutation(2, 'cni-directory', WORKER, 'readable by all', first(/^(05\S+) -rw-------/, '$1 -rw-r--r--')),
  mutation(3, 'cni-directory', CONTROL, 'another plugin', first(/"cilium-cni"/, '"calico"')),
  mutation(4, 'cni-directory', WORKER, "Calico's token is still there", (lines) => [
    ...lines,
    'calico-kubeconfig -rw------- 386 bytes',
  ]),
  mutation(1, 'links', WORKER, "Cilium's tunnel has eth0's MTU", first(/^(cilium_vxlan .*)mtu 1450/, '$1mtu 1500')),
  mutation(
    2,
    'links',
    WORKER,
    "one pod's device has another MTU",
    first(/^(lxc[0-9a-f]{12} .*)mtu 1450/, '$1mtu 1400'),
  ),
  mutation(1, 'links', WORKER2, 'tunnel down', first(/^(cilium_vxlan .*) up/, '$1 down')),
  mutation(1, 'links', WORKER2, 'on the port of the other overlay', first(/dstport 8473/, 'dstport 4789')),
  mutation(4, 'links', CONTROL, "Calico's tunnel is gone", without(/^vxlan\.calico /)),
  mutation(
    1,
    'links',
    CONTROL,
    "Calico's tunnel runs over another address",
    first(/local \S+ dev eth0/, 'local 10.244.0.1 dev cilium_host'),
  ),
  mutation(3, 'links', WORKER, 'no health endpoint', without(/^lxc_health /)),
  mutation(1, 'links', WORKER, "another node's router address", first(/10\.244\.\d+\.\d+\/32/, '10.244.9.1/32')),
  mutation(1, 'routes', WORKER, 'a pod CIDR of another node has no route', without(/^10\.244\.\d+\.0\/24 .* mtu 1400/)),
  mutation(1, 'routes', WORKER, 'a route has no MTU', first(/ mtu 1400$/, '')),
  mutation(
    1,
    'routes',
    WORKER,
    "the route to the own pod CIDR has the tunnel's MTU",
    first(/^(10\.244\.\d+\.0\/24 .* src \S+)$/, '$1 mtu 1400'),
  ),
  mutation(2, 'routes', WORKER, 'a route has no source', first(/ src 10\.\S+/, '')),
  mutation(2, 'routes', WORKER, 'through another device', first(/dev cilium_host/, 'dev cilium_vxlan')),
  mutation(2, 'routes', CONTROL, 'no blackhole for the own block', without(/^blackhole /)),
  mutation(2, 'routes', WORKER2, 'not onlink', first(/ onlink$/, '')),
  mutation(2, 'routes', WORKER2, 'of another protocol', first(/proto 80/, 'proto bird')),
  mutation(2, 'routes', CONTROL, 'a route to a tunnel address is missing', without(/^192\S+ via .* proto 80/)),
  mutation(4, 'routes', WORKER, "Calico's routes are gone", (lines) =>
    lines.filter((line) => !line.includes('proto 80')),
  ),
  mutation(
    1,
    'masquerade',
    WORKER,
    'the whole pool is excepted',
    first(/! -d 10\.244\.\d+\.0\/24/, '! -d 10.244.0.0/16'),
  ),
  mutation(1, 'masquerade', WORKER, "Cilium's masquerade is missing", without(/-j MASQUERADE$/)),
  mutation(2, 'masquerade', WORKER, "Calico's comes first", (lines) => [lines[1]!, lines[0]!, ...lines.slice(2)]),
  mutation(
    2,
    'masquerade',
    WORKER2,
    'Calico masquerades within its pools',
    first(/ -m set ! --match-set cali40network-ip-pools dst/, ''),
  ),
  mutation(
    1,
    'masquerade',
    CONTROL,
    'a set holds another pool',
    first(/^(set \S+ )192\.168\.0\.0\/16/, '$110.244.0.0/16'),
  ),
  mutation(4, 'masquerade', CONTROL, "Calico's rules are gone", (lines) =>
    lines.filter((line) => !line.includes('cali')),
  ),
  mutation(
    3,
    'masquerade',
    WORKER,
    'to the address of another node',
    first(/--to-source \S+/, '--to-source 10.244.9.1'),
  ),
  mutation(1, 'annotations', CONTROL, "Calico took Cilium's address", first(/(IPv4Address: )\S+/, '$110.244.2.193/32')),
  mutation(4, 'annotations', WORKER, 'the tunnel address is gone', without(/IPv4VXLANTunnelAddr/)),
  mutation(1, 'annotations', WORKER, "Felix does not see Cilium's device", first(/\{"name":"cilium_vxlan"\},/, '')),
  mutation(
    1,
    'conditions',
    WORKER,
    'Calico says that the network is up',
    first(/CiliumIsUp: Cilium/, 'CalicoIsUp: Calico'),
  ),
  mutation(4, 'conditions', WORKER2, 'not ready', first(/^Ready=True/, 'Ready=False')),
  mutation(2, 'cilium-node', WORKER, 'without the label of the migration', without(/cilium-default/)),
  mutation(1, 'cilium-node', WORKER, 'two pod CIDRs', (lines) => [...lines, 'spec.ipam.podCIDRs[1] = "10.244.9.0/24"']),
  mutation(3, 'cilium-node', CONTROL, 'no health address', without(/^spec\.health/)),
  mutation(
    3,
    'cilium-endpoints',
    'cluster',
    'one pod is not ready',
    first(/"state":"ready"/, '"state":"regenerating"'),
  ),
  mutation(3, 'cilium-endpoints', 'cluster', 'one node has no nodepinger', without(/"name":"nodepinger-/)),
  mutation(2, 'cilium-endpoints', 'cluster', 'none yet', () => []),
  mutation(
    3,
    'cilium-endpoints',
    'cluster',
    'an identity lacks a label of its pod',
    first(/"k8s:app\.kubernetes\.io\/name=goldpinger",/, ''),
  ),
  mutation(
    3,
    'cilium-endpoints',
    'cluster',
    'a hash is part of an identity',
    first(/"k8s:app=/, '"k8s:pod-template-hash=abc","k8s:app='),
  ),
  mutation(4, 'cilium-endpoints', 'cluster', 'a pod of Calico is still there', (lines) => [
    ...lines,
    lines[0]!.replaceAll('"default"', '"calico-system"'),
  ]),
  mutation(3, 'cilium-endpoints', 'cluster', "an address of another node's pod CIDR", (lines) => {
    const at = lines.findIndex((line) => /"ipv4":"10\.244\.0\./.test(line) && /goldpinger-/.test(line));
    return lines.map((line, index) =>
      index === at ? line.replace(/"ipv4":"10\.244\.0\./, '"ipv4":"10.244.1.') : line,
    );
  }),
  mutation(
    1,
    'cilium-config',
    'cluster',
    'policies are enforced',
    first(/enable-policy = never/, 'enable-policy = default'),
  ),
  mutation(
    3,
    'cilium-config',
    'cluster',
    'the directory is still left alone',
    first(/custom-cni-conf = false/, 'custom-cni-conf = true'),
  ),
  mutation(4, 'cilium-config', 'cluster', 'the file is not written', without(/^write-cni-conf-when-ready/)),
];
