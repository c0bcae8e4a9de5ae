/** Cilium's agent cannot write its CNI configuration on one node. */
import type { Expectation, InjectedFault } from '../fault.ts';
import { failedAt, Story } from '../story.ts';

export const cniFileUnwritten: InjectedFault = {
  kind: 'injected',
  name: 'cni-file-unwritten',
  summary: "Cilium's CNI file cannot be written on one node",
  ends: '`failed:switched/NODE`',
  mechanism:
    "The node's file system refuses 05-cilium.conflist. The agent renames Calico's file, fails to write its own and tries " +
    'again every 10 s; from Cilium 1.16 on it is not Ready meanwhile, before that it is, and only the directory tells. A file ' +
    'that is there already stays, so it changes nothing after the switch.',
  source: 'cilium daemon/cmd/cni/config.go; 77b1e6cdaa (issue 29405): /healthz fails from 1.16 on',
  providers: ['twin'],
  arguments: {
    node: { help: 'the node whose file cannot be written', required: true },
    at: { help: 'from when on', otherwise: "the beginning of the node's switch (agent/NODE)" },
  },
  refusedBy: null,
  starts: (args) => `agent/${args.node!}`,
  inject: (world, args) => {
    if (world.levers === null) throw new Error('cni-file-unwritten: only the embedded cluster can make it');
    return Promise.resolve(world.levers.refuseCniFile(args.node!));
  },
  expected: (run): Expectation => {
    const story = new Story(run);
    const node = run.args.node!;
    const start = story.place(run.args.at ?? `agent/${node}`);
    const hit = start === undefined ? undefined : story.judgedAfter([`agent/${node}`], start);
    if (hit === undefined) return { outcome: 'passed' };
    return { outcome: failedAt(hit.sweep), blame: { names: [node] } };
  },
};
