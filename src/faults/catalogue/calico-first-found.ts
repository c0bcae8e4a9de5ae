/** Calico takes the address of Cilium's interface for the node's, because it looks for the first that it finds. */
import type { Fault, FaultWorld } from '../fault.ts';

const LINK = 'rehearsal0';
/** Far above the number of devices of any node. */
const MOST_LINKS = 2_000;

interface LinkShown {
  readonly ifindex: number;
  readonly ifname: string;
}

async function indexOf({ onNode }: FaultWorld, node: string, link: string): Promise<number> {
  const shown = JSON.parse(await onNode(node, ['ip', '-json', '-details', 'link', 'show'])) as LinkShown[];
  const found = shown.find(({ ifname }) => ifname.replace(/@.*$/, '') === link);
  if (!found) throw new Error(`${node} has no link ${link}`);
  return found.ifindex;
}

/** A bridge: where kind runs the kernel has them, which cannot be said of dummy devices. Gone again whatever happens. */
async function withLink<T>({ onNode }: FaultWorld, node: string, look: () => Promise<T>): Promise<T> {
  await onNode(node, ['ip', 'link', 'add', LINK, 'type', 'bridge']);
  try {
    return await look();
  } finally {
    await onNode(node, ['ip', 'link', 'del', LINK]);
  }
}

export const calicoFirstFound: Fault = {
  name: 'calico-first-found',
  kind: 'configuration',
  summary: "Calico's address autodetection stays on first-found.",
  ends: '`failed:secondary-installed` by `node-addresses`, naming the node; no pair fails',
  mechanism:
    "migration.setAutodetection is keep and calico.autodetection firstFound. The interface with the highest index wins, so links are created and deleted on NODE until the next index lies above eth0's, which cilium_host then gets. At its next look (every 60 s) calico-node writes cilium_host's address into its Node. Pairs stay good, because Calico's VXLAN then runs inside Cilium's tunnel.",
  source:
    'recording: annotation 10.244.2.193/32 at install + 86 s on the node whose eth0 had the lower index; all pairs good by double encapsulation',
  providers: ['twin', 'kind'],
  arguments: { node: { help: 'the node whose cilium_host gets the higher index', otherwise: 'the first worker' } },
  refusedBy: 'calico-autodetection',
  change: (scenario) => ({
    ...scenario,
    calico: { ...scenario.calico, autodetection: 'firstFound' },
    migration: { ...scenario.migration, setAutodetection: 'keep' },
  }),
  starts: () => 'cilium-install',
  inject: async (world, { node = '' }) => {
    const uplink = await indexOf(world, node, 'eth0');
    const next = (): Promise<number> => withLink(world, node, () => indexOf(world, node, LINK));
    let index = await next();
    for (let made = 1; index < uplink; ) {
      // Each link takes at least one index, so that only the last of them is worth a look.
      const left = uplink - index;
      made += left;
      if (made > MOST_LINKS) throw new Error(`${MOST_LINKS} links on ${node} would not reach eth0's index ${uplink}`);
      for (let unseen = 1; unseen < left; unseen++) await withLink(world, node, () => Promise.resolve());
      index = await next();
    }
    return null;
  },
  expected: ({ args }) => ({
    outcome: 'failed:secondary-installed',
    blame: { assertions: ['node-addresses'], names: args.node === undefined ? [] : [args.node], noPairs: true },
  }),
};
