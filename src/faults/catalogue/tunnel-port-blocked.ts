/** Cilium's tunnel port is closed on one node, as a host firewall or a cloud's security group does it. */
import { durationMs } from '../../time/duration.ts';
import type { Blame, Expectation, InjectedFault, RunRecord } from '../fault.ts';
import { insertRule } from '../on-nodes.ts';
import { failedAt, Story } from '../story.ts';

/** Checkpoints that ask the overlay itself (assertion `overlay-reachable`); at `drained/*` only pairs are asked. */
const BEFORE_CILIUM = new Set(['baseline', 'prepared']);

export const tunnelPortBlocked: InjectedFault = {
  kind: 'injected',
  name: 'tunnel-port-blocked',
  summary: "one node drops the UDP packets of Cilium's tunnel that come in",
  ends: '`failed` at the first `switched/*` after it: Calico pods on the node → Cilium pods, or with the node itself switched Calico pods elsewhere → its Cilium pods; before `secondary-installed` there, by `overlay-reachable`',
  mechanism:
    'iptables drops UDP to the tunnel port in INPUT of the node. Calico pods on the node no longer reach Cilium pods on ' +
    'others, because the answers to the CiliumInternalIP come back through the tunnel, nor do Calico pods elsewhere reach ' +
    'Cilium pods on it; Cilium pods reach Calico pods, because they are masqueraded and leave by eth0. Between two switched ' +
    'nodes both directions fail. A restart of the node ends it.',
  source: 'recorded on kind, Calico 3.31.7 and Cilium 1.19-dev: UDP 8473 dropped on INPUT of one worker',
  providers: ['twin', 'kind'],
  arguments: {
    node: { help: 'the node that drops the packets', required: true },
    at: { help: 'when it starts', otherwise: 'after secondary-installed' },
    for: { help: 'how long', otherwise: 'until the node is restarted' },
  },
  refusedBy: null,
  starts: () => 'secondary-installed',
  inject: async (world, args) => {
    const port = world.cilium?.tunnelPort ?? world.scenario.cilium.tunnelPort;
    if (port === null) {
      throw new Error(
        'tunnel-port-blocked: the tunnel port is chosen in phase prepare; start it later or set cilium.tunnelPort',
      );
    }
    const rule = ['-p', 'udp', '--dport', String(port), '-j', 'DROP'];
    return insertRule(world, { node: args.node!, program: 'iptables' }, rule);
  },
  expected: (run): Expectation => {
    const story = new Story(run);
    const node = run.args.node!;
    const at = run.args.at ?? 'secondary-installed';
    const start = story.place(at);
    if (start === undefined) return { outcome: 'passed' };
    for (const sweep of story.after(start)) {
      if (story.restartsOf(node).some((step) => story.stepWithin(step, start, sweep.place))) break;
      const switched = story.switchedBy(sweep);
      const seen = sweep.kind === 'drained' ? switched.size > 0 : !BEFORE_CILIUM.has(sweep.kind);
      if (!seen) continue;
      const patience = story.patience(at, sweep);
      if (run.args.for !== undefined && patience !== undefined && durationMs(run.args.for) < patience) break;
      return { outcome: failedAt(sweep), blame: blame(run, node, switched) };
    }
    return { outcome: 'passed' };
  },
};

/** With pods on Cilium the pairs tell, and their direction; before that only the overlay itself does. */
function blame(_run: RunRecord, node: string, switched: ReadonlySet<string>): Blame {
  if (switched.size === 0) return { reasons: ['assertion-failed'], assertions: ['overlay-reachable'], names: [node] };
  return {
    reasons: ['pairs-unhealthy'],
    pairs: ({ from, to }) =>
      to.cni === 'cilium' && from.node !== to.node && (from.node === node || to.node === node) && switched.has(to.node),
  };
}
