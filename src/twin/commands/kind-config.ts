/** kind's configuration file, decoded as strictly as kind does (pkg/apis/config/v1alpha4, pkg/internal/apis/config/validate.go). */
import { parse } from 'yaml';
import { nodeImageVersion } from '../images.ts';
import { rangeOf } from '../node/addresses.ts';

/** kind's own refusal. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A setting that real kind takes and the twin does not. */
export class NotModelled extends Error {
  override readonly name = 'NotModelled';
}

export interface KindNode {
  readonly role: 'control-plane' | 'worker';
  /** As written, for the progress text. */
  readonly image: string;
  readonly kubernetesVersion: string;
}

export interface KindConfig {
  readonly name: string;
  readonly nodes: readonly KindNode[];
  readonly podSubnet: string;
  readonly serviceSubnet: string;
}

/** Default node image of kind 0.33. */
const DEFAULT_IMAGE = 'kindest/node:v1.37.0';

const ROOT = ['kind', 'apiVersion', 'name', 'nodes', 'networking', 'featureGates', 'runtimeConfig'];
const ROOT_PATCHES = [
  'kubeadmConfigPatches',
  'kubeadmConfigPatchesJSON6902',
  'containerdConfigPatches',
  'containerdConfigPatchesJSON6902',
];
const NODE = [
  'role',
  'image',
  'labels',
  'extraMounts',
  'extraPortMappings',
  'kubeadmConfigPatches',
  'kubeadmConfigPatchesJSON6902',
];
const NETWORKING = [
  'ipFamily',
  'apiServerPort',
  'apiServerAddress',
  'podSubnet',
  'serviceSubnet',
  'disableDefaultCNI',
  'kubeProxyMode',
  'dnsSearch',
];
const PORT_MAPPING = ['containerPort', 'hostPort', 'listenAddress', 'protocol'];

type Map = Record<string, unknown>;

/** @throws ConfigError with kind's text, NotModelled */
export function readKindConfig(text: string): KindConfig {
  const root = object(parse(text), 'Cluster');
  known(root, [...ROOT, ...ROOT_PATCHES], '');
  if (root.apiVersion !== 'kind.x-k8s.io/v1alpha4' || root.kind !== 'Cluster') {
    throw new ConfigError(`unknown apiVersion: ${String(root.apiVersion)}`);
  }
  for (const field of ['featureGates', 'runtimeConfig', ...ROOT_PATCHES.slice(1)]) {
    if (root[field] !== undefined) throw new NotModelled(`${field} in its configuration`);
  }
  for (const patch of (root.kubeadmConfigPatches as unknown[] | undefined) ?? []) readPatch(String(patch));
  const networking = readNetworking(object(root.networking ?? {}, 'Networking'));
  const nodes = ((root.nodes as unknown[] | undefined) ?? [{ role: 'control-plane' }]).map((node) =>
    readNode(object(node, 'Node')),
  );
  if (!nodes.some((node) => node.role === 'control-plane')) {
    throw new ConfigError('must have at least one control-plane node');
  }
  return { name: typeof root.name === 'string' ? root.name : 'kind', nodes, ...networking };
}

/** Of patches of kubeadm's configuration only etcd's arguments: they change nothing here, where no disk is slow. */
function readPatch(text: string): void {
  const part = (value: unknown): Map => (typeof value === 'object' && value !== null ? (value as Map) : {});
  const { apiVersion: _, kind, etcd, ...more } = part(parse(text));
  const { local, ...others } = part(etcd);
  const { extraArgs, ...rest } = part(local);
  const foreign = [more, others, rest].some((fields) => Object.keys(fields).length > 0);
  if (kind !== 'ClusterConfiguration' || foreign || extraArgs === undefined) {
    throw new NotModelled('kubeadmConfigPatches in its configuration, other than arguments of etcd');
  }
}

function readNetworking(networking: Map): { podSubnet: string; serviceSubnet: string } {
  known(networking, NETWORKING, 'networking.');
  const family = networking.ipFamily ?? 'ipv4';
  if (!['ipv4', 'ipv6', 'dual'].includes(String(family))) throw new ConfigError(`invalid ipFamily: ${String(family)}`);
  if (family !== 'ipv4') throw new NotModelled(`ipFamily ${String(family)}`);
  const mode = networking.kubeProxyMode ?? 'iptables';
  if (!['iptables', 'ipvs', 'nftables', 'none'].includes(String(mode))) {
    throw new ConfigError(`invalid kubeProxyMode: ${String(mode)}`);
  }
  if (mode !== 'iptables') throw new NotModelled(`kubeProxyMode ${String(mode)}`);
  if (networking.disableDefaultCNI !== true) throw new NotModelled("kindnet, kind's default CNI");
  return {
    podSubnet: subnet(networking.podSubnet ?? '10.244.0.0/16', 'pod'),
    serviceSubnet: subnet(networking.serviceSubnet ?? '10.96.0.0/16', 'service'),
  };
}

function subnet(value: unknown, which: 'pod' | 'service'): string {
  const text = String(value);
  const cidrs = text.split(',');
  if (cidrs.length > 1)
    throw new ConfigError(`invalid ${which} subnet only one CIDR allowed for single-stack networking`);
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const numbers = match?.slice(1).map(Number);
  if (numbers === undefined || numbers.slice(0, 4).some((part) => part > 255) || numbers[4]! > 32) {
    throw new ConfigError(
      `invalid ${which} subnet failed to parse cidr value:"${text}" with error:invalid CIDR address: ${text}`,
    );
  }
  // net.ParseCIDR gives the network's first address.
  const { first } = rangeOf(text);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${numbers[4]}`;
}

function readNode(node: Map): KindNode {
  known(node, NODE, 'nodes[].');
  const role = node.role ?? 'control-plane';
  if (role !== 'control-plane' && role !== 'worker')
    throw new ConfigError(`"${String(role)}" is not a valid node role`);
  for (const field of ['labels', 'extraMounts', 'kubeadmConfigPatches', 'kubeadmConfigPatchesJSON6902']) {
    if (node[field] !== undefined) throw new NotModelled(`${field} of a node`);
  }
  const taken = new Set<string>();
  for (const entry of (node.extraPortMappings as unknown[] | undefined) ?? []) {
    const mapping = object(entry, 'PortMapping');
    known(mapping, PORT_MAPPING, 'nodes[].extraPortMappings[].');
    for (const port of [mapping.containerPort, mapping.hostPort ?? 0]) {
      if (typeof port !== 'number' || port < -1 || port > 65535)
        throw new ConfigError(`invalid port number: ${String(port)}`);
    }
    const key = `${String(mapping.listenAddress ?? '0.0.0.0')}:${String(mapping.hostPort ?? 0)}/${String(mapping.protocol ?? 'TCP')}`;
    if (taken.has(key) && Number(mapping.hostPort ?? 0) > 0) {
      throw new ConfigError(`port mapping with same listen address, port and protocol already configured: ${key}`);
    }
    taken.add(key);
  }
  const image = typeof node.image === 'string' ? node.image : DEFAULT_IMAGE;
  const kubernetesVersion = nodeImageVersion(image);
  if (kubernetesVersion === undefined) {
    throw new ConfigError(
      `failed to pull image "${image}": command "docker pull ${image}" failed with error: exit status 1\nCommand Output: Error response from daemon: manifest for ${image} not found: manifest unknown: manifest unknown`,
    );
  }
  return { role, image, kubernetesVersion };
}

function object(value: unknown, what: string): Map {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new ConfigError(`unable to decode config: yaml: cannot unmarshal into v1alpha4.${what}`);
  }
  return value as Map;
}

function known(value: Map, fields: readonly string[], path: string): void {
  const unknown = Object.keys(value).find((field) => !fields.includes(field));
  if (unknown === undefined) return;
  const type = path.startsWith('networking')
    ? 'Networking'
    : path.includes('Mapping')
      ? 'PortMapping'
      : path === ''
        ? 'Cluster'
        : 'Node';
  throw new ConfigError(
    `unable to decode config: yaml: unmarshal errors:\n  field ${unknown} not found in type v1alpha4.${type}`,
  );
}
