/** The agent of one node ends soon after its start, again and again. */
import type { Expectation, InjectedFault } from '../fault.ts';
import { failedAt, Story } from '../story.ts';

export const agentCrashLoop: InjectedFault = {
  kind: 'injected',
  name: 'agent-crash-loop',
  summary: 'the Cilium agent of one node crashes at every start',
  ends: '`failed:switched/NODE`',
  mechanism:
    'From now on an agent that starts on the node ends with exit code 1 within two seconds; one that runs already goes on, so ' +
    'it shows at the next start: at the installation, the switch, the final values, or a restart of the node.',
  source:
    'kubelet: CrashLoopBackOff; cilium 1.19 daemon/cmd: fatal errors at start, such as a kernel without a feature',
  providers: ['twin'],
  arguments: {
    node: { help: 'the node whose agent crashes', required: true },
    at: { help: 'from when on', otherwise: "the beginning of the node's switch (agent/NODE)" },
  },
  refusedBy: null,
  starts: (args) => `agent/${args.node!}`,
  inject: (world, args) => {
    if (world.levers === null) throw new Error('agent-crash-loop: only the embedded cluster can make it');
    return Promise.resolve(world.levers.crashAgent(args.node!));
  },
  expected: (run): Expectation => {
    const story = new Story(run);
    const node = run.args.node!;
    const start = story.place(run.args.at ?? `agent/${node}`);
    const hit = start === undefined ? undefined : story.judgedAfter(story.agentStartsOf(node), start);
    if (hit === undefined) return { outcome: 'passed' };
    return { outcome: failedAt(hit.sweep), blame: { names: [node] } };
  },
};
