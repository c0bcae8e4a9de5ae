/** A node does not come back from its restart. */
import type { Expectation, InjectedFault } from '../fault.ts';
import { failedAt, isOnlyControlPlane, Story } from '../story.ts';

export const nodeStaysDown: InjectedFault = {
  kind: 'injected',
  name: 'node-stays-down',
  summary: "one node's container starts again, its containerd and kubelet do not",
  ends: '`failed:restarted/NODE` (with `recycle: node` `switched/NODE`); the only control plane: `control-plane-lost`',
  mechanism:
    'systemctl disables containerd and kubelet on the node: nothing changes until its next restart, after which the ' +
    "container runs without them. The node's lease is not renewed, its Ready condition becomes Unknown after 40 to 50 s, and " +
    'with the only control plane the API is gone. The units are not masked: kind has them in /etc/systemd/system itself, ' +
    'where mask finds the file in its way.',
  source: 'kubernetes-sigs/kind images/base/Dockerfile and files/etc/systemd/system; kubelet lease of 40 s',
  providers: ['twin', 'kind'],
  arguments: {
    node: { help: 'the node that stays down', required: true },
    at: { help: 'from when on', otherwise: "the beginning of the node's restart (restart/NODE)" },
  },
  refusedBy: null,
  starts: (args) => `restart/${args.node!}`,
  inject: async (world, args) => {
    await world.onNode(args.node!, ['systemctl', 'disable', 'containerd', 'kubelet']);
    // At once as well: the node may be down by then.
    return async ({ onNode }) => {
      await onNode(args.node!, ['systemctl', 'enable', '--now', 'containerd', 'kubelet']);
    };
  },
  expected: (run): Expectation => {
    const story = new Story(run);
    const node = run.args.node!;
    const start = story.place(run.args.at ?? `restart/${node}`);
    const hit = start === undefined ? undefined : story.judgedAfter(story.restartsOf(node), start);
    if (hit === undefined) return { outcome: 'passed' };
    const reason = isOnlyControlPlane(run, node) ? 'control-plane-lost' : 'node-not-ready';
    return { outcome: failedAt(hit.sweep), blame: { reasons: [reason], names: [node] } };
  },
};
