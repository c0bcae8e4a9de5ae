/**
 * Where the twin's cluster may differ from the recorded one, and why. Everything else must be equal. Addresses are given
 * their part (`{block kind-worker}`), never taken out; what is taken out, is taken out of one side only wherever that side
 * alone has it, so that the other side cannot hide the same thing.
 */
import { formatAddress } from '../../src/twin/network/address.ts';
import { changing, type Endpoint, keeping, nameSandbox, withoutManifest, withoutNode, workload } from './endpoints.ts';
import { isWithin, type NodeRoles, renameAddresses, rolesOf } from './roles.ts';
import {
  type ClusterFacts,
  canonical,
  KINDS,
  type Kind,
  type Moment,
  type Origin,
  type Section,
  sectionsOf,
} from './state.ts';

export interface About {
  readonly origin: Origin;
  readonly moment: Moment;
  /** Node of the section, or `cluster`. */
  readonly node: string;
  readonly roles: readonly NodeRoles[];
}

export interface Normalisation {
  /** What is made equal. */
  readonly what: string;
  readonly where: readonly Kind[];
  /** Why the two clusters may differ here. */
  readonly reason: string;
  apply(lines: readonly string[], about: About): readonly string[];
}

/** Gives addresses their part, for each node. */
function naming(name: (token: string, roles: NodeRoles) => string | undefined): Normalisation['apply'] {
  return (lines, { roles }) =>
    lines.map((line) =>
      renameAddresses(line, (token) => roles.map((own) => name(token, own)).find((part) => part !== undefined)),
    );
}

/** Equal lines once, in the order of their first. */
const once = (lines: readonly string[]): string[] => [...new Set(lines)];

const only = (condition: boolean, lines: readonly string[], change: () => readonly string[]): readonly string[] =>
  condition ? change() : lines;

/** In this order; each line gets what the lines before it made. */
export const NORMALISATIONS: readonly Normalisation[] = [
  {
    what: 'sizes of 10-calico.conflist',
    where: ['cni-directory'],
    reason:
      'The recorded cluster was named e1; its node names were changed to kind-… in the contents of files, not in the listing. The contents are compared byte by byte.',
    apply: (lines, { origin }) =>
      only(origin === 'recorded', lines, () =>
        lines.map((line) =>
          line.replace(/^(10-calico\S+ \S+) (\d+) /, (_all, head: string, bytes: string) => {
            const longer = 'kind-'.length - 'e1-'.length;
            return `${head} ${Number(bytes) + longer} `;
          }),
        ),
      ),
  },
  {
    what: 'size of calico-kubeconfig',
    where: ['cni-directory'],
    reason:
      'Token and CA certificate are in it: both are drawn, and the twin writes no certificate. Recordings keep no token.',
    apply: (lines) => lines.map((line) => line.replace(/^(calico-kubeconfig \S+) \d+ bytes$/, '$1')),
  },
  {
    what: "Calico's files after its removal",
    where: ['cni-directory'],
    reason:
      'The rehearsal deletes what Calico left in the directory as part of the removal; the recording deleted the manifest only and looked at once.',
    apply: (lines, { origin, moment }) =>
      only(origin === 'recorded' && moment === 4, lines, () =>
        lines.filter((line) => !/^(10-calico\.conflist\.cilium_bak|calico-kubeconfig)[ |]/.test(line)),
      ),
  },
  {
    what: 'addresses of nodes',
    where: ['links', 'routes', 'annotations', 'cilium-node', 'cilium-endpoints'],
    reason: 'Docker gives them in the order in which the containers of a cluster come up.',
    apply: naming((token, { node, address }) => {
      const [bare, length] = token.split('/');
      return bare === address ? `{address ${node}}${length === undefined ? '' : `/${length}`}` : undefined;
    }),
  },
  {
    what: "Calico's blocks and tunnel addresses",
    where: ['links', 'routes', 'annotations'],
    reason:
      'A node takes a block at random from the pool; the tunnel address is the first of it (recorded), and stays so named.',
    apply: naming((token, { node, block }) => {
      const base = formatAddress(block.base);
      if (token === block.text) return `{block ${node}}`;
      return token === base || token === `${base}/32` ? token.replace(base, `{block ${node}}+0`) : undefined;
    }),
  },
  {
    what: "Cilium's pod CIDRs",
    where: ['routes', 'masquerade', 'cilium-node'],
    reason: "The operator gives them in the order in which the nodes' agents arrive.",
    apply: naming((token, { node, podCidr }) => (token === podCidr.text ? `{pods ${node}}` : undefined)),
  },
  {
    what: 'router and health addresses',
    where: ['links', 'routes', 'masquerade', 'annotations', 'cilium-node'],
    reason: "Drawn by the agent from its node's pod CIDR.",
    apply: naming((token, { node, router, health, podCidr }) => {
      const [bare, length] = token.split('/');
      if (!isWithin(podCidr, bare!)) return undefined;
      const part = bare === router ? 'router' : bare === health ? 'health' : undefined;
      return part === undefined ? undefined : `{${part} ${node}}${length === undefined ? '' : `/${length}`}`;
    }),
  },
  {
    what: "addresses of Calico's pods",
    where: ['routes'],
    reason: "The next free ones of the node's block, in which they must lie; how far the count is depends on the pods.",
    apply: naming((token, { node, block }) => (isWithin(block, token) ? `{pod in block ${node}}` : undefined)),
  },
  {
    what: "addresses of Cilium's pods",
    where: ['cilium-endpoints'],
    reason: "Drawn from the node's pod CIDR, in which they must lie.",
    apply: naming((token, { node, podCidr }) => (isWithin(podCidr, token) ? `{pod in pods ${node}}` : undefined)),
  },
  {
    what: 'devices of pods',
    where: ['links', 'routes'],
    reason:
      'Named by hashes, as many as pods; the twin has the pods of the operator and of kind beside (each side has exactly one device for each of its pods: the test looks). One line stays for each way in which such a device is set up.',
    apply: (lines) => {
      const named = lines.map((line) => line.replace(/\b(cali|lxc)[0-9a-f]{11,12}\b/, '{$1 of a pod}'));
      const ofPods = (line: string): boolean => line.startsWith('{');
      return once([...named.filter((line) => !ofPods(line)), ...named.filter(ofPods)]);
    },
  },
  {
    what: "eth0's place among the links",
    where: ['links'],
    reason:
      "Its index comes from the host's counter, and the others from the node's, which goes on with every pod: in some runs it is above Cilium's devices, as on nodes of other recorded clusters.",
    apply: (lines) => [
      ...lines.filter((line) => line.startsWith('eth0 ')),
      ...lines.filter((line) => !line.startsWith('eth0 ')),
    ],
  },
  {
    what: 'order of routes',
    where: ['routes'],
    reason: 'By destination, and destinations are drawn.',
    apply: (lines) => [...lines].sort(),
  },
  {
    what: 'routes to tunnel addresses on one node',
    where: ['routes'],
    reason:
      'In two of four recorded clusters Felix left out, on one node that chance chose (here the control plane), the /32 routes that all other nodes have; the /26 beside them has the same next hop. They are put into the recording.',
    apply: (lines, { origin, node }) =>
      only(origin === 'recorded' && node === 'kind-control-plane', lines, () =>
        [
          ...lines,
          ...lines.flatMap((line) => {
            const [, block, rest] = /^(\{block \S+\})( via .* proto 80 onlink)$/.exec(line) ?? [];
            return block === undefined ? [] : [`${block}+0${rest}`];
          }),
        ].sort(),
      ),
  },
  {
    what: 'rules of kube-proxy and Docker',
    where: ['masquerade'],
    reason:
      "The twin answers Services and Docker's DNS without rules (network.ts, ServiceLookup); what kube-proxy masquerades is held by the packet walker's golden test.",
    apply: (lines, { origin }) =>
      only(origin === 'recorded', lines, () =>
        lines.filter((line) => !/^-A (KUBE|DOCKER)|-j (KUBE|DOCKER)/.test(line)),
      ),
  },
  {
    what: 'sets at moments 3 and 4',
    where: ['masquerade'],
    reason: 'Not recorded there.',
    apply: (lines, { origin, moment }) =>
      only(origin === 'twin' && moment >= 3, lines, () => lines.filter((line) => !line.startsWith('set '))),
  },
  {
    what: 'lxc devices in projectcalico.org/Interfaces',
    where: ['annotations'],
    reason:
      'Felix writes what it saw last: one of three devices at moment 2, deleted ones or none for the health endpoint at 3 (recorded).',
    apply: (lines) =>
      lines.map((line) =>
        line.startsWith('projectcalico.org/Interfaces: ') ? line.replace(/,\{"name":"lxc\w+"\}/g, '') : line,
      ),
  },
  {
    what: 'what an API server adds to objects',
    where: ['cilium-node', 'cilium-endpoints'],
    reason: 'UIDs, times and resource versions are drawn or counted; the boot id is the host’s.',
    apply: (lines) =>
      lines
        .filter((line) => !/^metadata\.(uid|creationTimestamp|resourceVersion) = |^(apiVersion|kind) = /.test(line))
        .map((line) =>
          line
            .replace(/^(metadata\.ownerReferences\[0\]\.uid|spec\.bootid) = .*/, '$1 = {drawn}')
            .replace(/"(uid|creationTimestamp|resourceVersion)":"[^"]*"/g, '"$1":"{drawn}"'),
        ),
  },
  {
    what: 'numbers of endpoints and identities, ids of containers',
    where: ['cilium-endpoints'],
    reason: 'Drawn; both external identifiers must name the same sandbox.',
    apply: changing((endpoint) => {
      const { status } = endpoint;
      status.id = typeof status.id;
      status.identity.id = typeof status.identity.id;
      nameSandbox(endpoint);
    }),
  },
  {
    what: 'workloads that only one of the clusters has',
    where: ['cilium-endpoints'],
    reason:
      "The recording has Calico by manifest (its controllers in kube-system, no API server, CSI driver, Goldmane, Whisker), no local-path-provisioner and no servicepinger. Calico's pods are gone on both sides at moment 4.",
    apply: keeping(({ metadata: { name, namespace } }, { origin, moment }) => {
      if (origin === 'recorded') return !(moment === 3 && name.startsWith('calico-kube-controllers-'));
      if (namespace === 'calico-system' && moment < 4) return false;
      return !(namespace === 'local-path-storage' || name.startsWith('servicepinger-'));
    }),
  },
  {
    what: "labels and service account of the probes' manifests",
    where: ['cilium-endpoints'],
    reason:
      'Each side applied manifests of its own: `tier` and one account there, `app.kubernetes.io/…` and an account for each probe here. Both label sets must come through to labels and identity.',
    apply: changing((endpoint, { origin }) => {
      const app = workload(endpoint);
      if (app !== 'goldpinger' && app !== 'nodepinger') return;
      const ours = {
        'app.kubernetes.io/instance': app,
        'app.kubernetes.io/managed-by': 'cni-rehearsal',
        'app.kubernetes.io/name': 'goldpinger',
      };
      withoutManifest(
        endpoint,
        origin === 'recorded' ? { labels: { tier: 'ping' }, account: 'goldpinger' } : { labels: ours, account: app },
      );
    }),
  },
  {
    what: 'names of pods and of their revisions',
    where: ['cilium-endpoints'],
    reason: 'Drawn, or hashes of a template.',
    apply: (lines) =>
      lines.map((line) => {
        const endpoint = JSON.parse(line) as Endpoint;
        const { labels, name } = endpoint.metadata;
        for (const key of ['pod-template-hash', 'controller-revision-hash']) if (key in labels) labels[key] = '{hash}';
        return canonical(endpoint).replaceAll(
          `${name}"`,
          `${name.replace(/(-[0-9a-z]{7,10})?-[0-9a-z]{5}$/, '-{drawn}')}"`,
        );
      }),
  },
  {
    what: 'nodes of pods of Deployments',
    where: ['cilium-endpoints'],
    reason: "The scheduler chooses. The address must lie in the pod CIDR of the pod's node.",
    apply: changing((endpoint) => {
      if (['goldpinger', 'kube-dns'].includes(workload(endpoint))) withoutNode(endpoint);
    }),
  },
  {
    what: 'number of replicas on Cilium',
    where: ['cilium-endpoints'],
    reason:
      'At moment 2 it depends on the scheduler (each side has exactly one endpoint for each of its pods on Cilium: the test looks). One line stays for each way in which an endpoint is described.',
    apply: (lines) => once([...lines].sort()),
  },
  {
    what: 'mutual authentication',
    where: ['cilium-config'],
    reason:
      'The default of authentication.enabled was true in the recorded 1.19-dev (January 2026) and is false in the released 1.19; three keys belong to it. Nothing of the rehearsal reads them.',
    apply: (lines, { origin }) =>
      origin === 'twin'
        ? lines.filter((line) => line !== 'mesh-auth-enabled = false')
        : lines.filter(
            (line) => !/^mesh-auth-(enabled = true|gc-interval|queue-size|rotated-identities-queue-size)\b/.test(line),
          ),
  },
];

/** What is compared, with these normalisations. */
export function normalised(facts: ClusterFacts, normalisations: readonly Normalisation[] = NORMALISATIONS): Section[] {
  return normalisedSections(facts, sectionsOf(facts), normalisations);
}

/** The same for sections that were changed after they had been taken from the facts. */
export function normalisedSections(
  facts: ClusterFacts,
  sections: readonly Section[],
  normalisations: readonly Normalisation[] = NORMALISATIONS,
): Section[] {
  const { origin, moment } = facts;
  const roles = rolesOf(facts);
  const places = KINDS.flatMap((kind) => sections.filter((section) => section.kind === kind));
  return places.map(({ kind, node, lines }) => ({
    kind,
    node,
    lines: normalisations
      .filter(({ where }) => where.includes(kind))
      .reduce<readonly string[]>((sofar, { apply }) => apply(sofar, { origin, moment, node, roles }), lines),
  }));
}
