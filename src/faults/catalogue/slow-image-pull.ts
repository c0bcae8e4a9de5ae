/** The agent's image has to be pulled again on one node, and the registry is slow. */
import type { Scenario } from '../../scenario/scenario.ts';
import { durationMs } from '../../time/duration.ts';
import type { Expectation, InjectedFault } from '../fault.ts';
import { failedAt, Story } from '../story.ts';

/** The rest of a start beside the pull: the old pod's end, init containers, probes. */
const START_MS = 15_000;
/** Timeouts count at least so long a node for a roll-out of Cilium (docs/scenario.md). */
const CILIUM_MS_PER_NODE = 15_000;

export const slowImagePull: InjectedFault = {
  kind: 'injected',
  name: 'slow-image-pull',
  summary: "one node has lost the agent's image, and pulling it takes long",
  ends: '`passed`: tolerated within the time limits',
  mechanism:
    "The node's image store loses the agent's image; a container that runs goes on, and the next start waits until the pull " +
    'is done. `for` is how long that one pull takes. A rehearsal tolerates it within its time limits.',
  source: 'kubelet: imagePullPolicy IfNotPresent; recorded installations took 16 to 20 s with the images on the nodes',
  providers: ['twin'],
  arguments: {
    node: { help: 'the node that has to pull', required: true },
    for: { help: 'how long the pull takes', required: true },
    at: { help: 'when the image is lost', otherwise: 'the beginning of cilium-install' },
  },
  refusedBy: null,
  starts: () => 'cilium-install',
  inject: (world, args) => {
    if (world.levers === null) throw new Error('slow-image-pull: only the embedded cluster can make it');
    world.levers.slowAgentPull(args.node!, durationMs(args.for!));
    // The pull ends by itself, `for` after its own beginning: there is nothing to take back.
    return Promise.resolve(() => Promise.resolve());
  },
  expected: (run): Expectation => {
    const story = new Story(run);
    const node = run.args.node!;
    const start = story.place(run.args.at ?? 'cilium-install');
    const hit = start === undefined ? undefined : story.judgedAfter(story.agentStartsOf(node), start);
    if (hit === undefined) return { outcome: 'passed' };
    if (durationMs(run.args.for!) + START_MS < limitMs(run.scenario, hit.step)) return { outcome: 'passed' };
    return { outcome: failedAt(hit.sweep), blame: { names: [node] } };
  },
};

/** How long the step waits for the agent, milliseconds. */
function limitMs({ timeouts, cluster }: Scenario, step: string): number {
  if (step.startsWith('agent/')) return durationMs(timeouts.agent);
  if (step.includes('/')) return durationMs(timeouts.restart);
  const nodes = cluster.controlPlanes + cluster.workers;
  return Math.max(durationMs(timeouts.cilium), nodes * CILIUM_MS_PER_NODE);
}
