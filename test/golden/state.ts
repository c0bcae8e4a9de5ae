/**
 * What a migration leaves on nodes and in the API at a moment, as lines of text: the same form for the recorded cluster
 * and for the twin's, so that what differs can be named line by line.
 */
import type { KubeObject, Node, Pod } from '../../src/kube/objects.ts';
import type { LinkSpec } from '../../src/twin/network/network.ts';

/** Moments of the recording; 5 was taken while nodes restarted and is no part of this comparison. */
export type Moment = 1 | 2 | 3 | 4;
export const MOMENTS: readonly Moment[] = [1, 2, 3, 4];

export type Origin = 'recorded' | 'twin';

export const KINDS = [
  'cni-directory',
  'links',
  'routes',
  'masquerade',
  'annotations',
  'conditions',
  'cilium-node',
  'cilium-endpoints',
  'cilium-config',
] as const;
export type Kind = (typeof KINDS)[number];

/** A file of /etc/cni/net.d. `content` is left out where the recording holds none (a token is in it). */
export interface CniFile {
  readonly name: string;
  /** As `ls -l` prints it: `-rw-------`. */
  readonly mode: string;
  readonly bytes: number;
  readonly content?: string;
}

export interface NodeFacts {
  readonly name: string;
  readonly cniFiles: readonly CniFile[];
  /** In the order of their indexes. */
  readonly links: readonly (LinkSpec & { readonly up: boolean })[];
  /** IPv4 addresses. */
  readonly addresses: readonly { readonly device: string; readonly cidr: string }[];
  /** Main table, in the form of `ip route`. */
  readonly routes: readonly string[];
  /** Table nat, in the form of iptables-save. */
  readonly natRules: readonly string[];
  /** Members of a set; undefined where there is none or none was recorded. */
  ipset(name: string): readonly string[] | undefined;
}

export interface ClusterFacts {
  readonly origin: Origin;
  readonly moment: Moment;
  readonly nodes: readonly NodeFacts[];
  readonly apiNodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly ciliumNodes: readonly KubeObject[];
  readonly ciliumEndpoints: readonly KubeObject[];
  /** Data of the ConfigMap cilium-config. */
  readonly ciliumConfig: Readonly<Record<string, string>>;
}

/** Where a line stands: kind of thing, and its node (`cluster` for what belongs to none). */
export interface Place {
  readonly kind: Kind;
  readonly node: string;
}

export interface Section extends Place {
  readonly lines: readonly string[];
}

/** Everything that is compared, in the order of {@link KINDS} and nodes. */
export function sectionsOf(facts: ClusterFacts): Section[] {
  const perNode = (kind: Kind, lines: (node: NodeFacts) => readonly string[]): Section[] =>
    facts.nodes.map((node) => ({ kind, node: node.name, lines: lines(node) }));
  const object = (name: string): Node => facts.apiNodes.find((node) => node.metadata.name === name)!;
  return [
    ...perNode('cni-directory', cniLines),
    ...perNode('links', linkLines),
    ...perNode('routes', (node) => node.routes),
    ...perNode('masquerade', masqueradeLines),
    ...perNode('annotations', ({ name }) => entries(object(name).metadata.annotations ?? {}, ': ')),
    ...perNode('conditions', ({ name }) =>
      (object(name).status?.conditions ?? []).map(
        ({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`,
      ),
    ),
    ...perNode('cilium-node', ({ name }) => {
      const found = facts.ciliumNodes.find((item) => item.metadata.name === name);
      return found === undefined ? [] : flatten(found);
    }),
    { kind: 'cilium-endpoints', node: 'cluster', lines: facts.ciliumEndpoints.map((item) => canonical(item)).sort() },
    { kind: 'cilium-config', node: 'cluster', lines: entries(facts.ciliumConfig, ' = ') },
  ];
}

function cniLines({ cniFiles }: NodeFacts): string[] {
  const inOrder = [...cniFiles].sort((a, b) => (a.name < b.name ? -1 : 1));
  return inOrder.flatMap(({ name, mode, bytes, content }) => [
    `${name} ${mode} ${bytes} bytes`,
    ...(content === undefined ? [] : content.split('\n').map((line) => `${name}| ${line}`)),
  ]);
}

function linkLines({ links, addresses }: NodeFacts): string[] {
  return links.map((link) => {
    const { name, kind, mtu, up, vni, local, parent, port, external } = link;
    const tunnel =
      kind === 'vxlan'
        ? [`id ${vni}`, ...(local === undefined ? [] : [`local ${local} dev ${parent}`]), `dstport ${port}`]
        : [];
    const own = addresses.filter(({ device }) => device === name).map(({ cidr }) => cidr);
    return [
      name,
      kind,
      `mtu ${mtu}`,
      up ? 'up' : 'down',
      ...tunnel,
      ...(external === true ? ['external'] : []),
      ...own,
    ].join(' ');
  });
}

/** The chains that a leaving packet may come through, from POSTROUTING on, and the sets that their rules ask. */
function masqueradeLines({ natRules, ipset }: NodeFacts): string[] {
  const chains = ['POSTROUTING'];
  const lines: string[] = [];
  for (const chain of chains) {
    const rules = natRules.filter((rule) => rule.startsWith(`-A ${chain} `));
    lines.push(...rules);
    const targets = rules.flatMap((rule) => / -[jg] (\S+)/.exec(rule)?.[1] ?? []);
    for (const target of [...new Set(targets)].sort()) {
      const defined = natRules.some((rule) => rule.startsWith(`-A ${target} `));
      if (defined && !chains.includes(target)) chains.push(target);
    }
  }
  const sets = lines.flatMap((rule) => [...rule.matchAll(/--match-set (\S+)/g)].map(([, name]) => name!));
  for (const name of [...new Set(sets)].sort()) {
    const members = ipset(name);
    if (members !== undefined) lines.push(`set ${name}: ${[...members].sort().join(' ')}`);
  }
  return lines;
}

function entries(data: Readonly<Record<string, string>>, between: string): string[] {
  return Object.keys(data)
    .sort()
    .map((key) => `${key}${between}${data[key]}`);
}

/** `spec.ipam.podCIDRs[0] = "10.244.0.0/24"`; empty objects and lists are lines too. */
function flatten(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${path} = ${JSON.stringify(value)}`];
  const parts = Array.isArray(value)
    ? value.map((item, index) => [`[${index}]`, item] as const)
    : Object.keys(value)
        .sort()
        .map((key) => [path === '' ? key : `.${key}`, (value as Record<string, unknown>)[key]] as const);
  if (parts.length === 0) return [`${path} = ${JSON.stringify(value)}`];
  return parts.flatMap(([key, item]) => flatten(item, path + key));
}

/** JSON with its keys in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
