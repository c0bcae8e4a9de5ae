/**
 * Levers of the embedded cluster: what goes wrong on a node and no command could make go wrong. Each takes hold of a seam
 * that the model has anyway (which program an image runs, what the file system allows, what the image store holds); what
 * follows is the model's own doing.
 */

import type { Cluster } from './node/cluster.ts';
import type { TwinMachine } from './node/machine.ts';
import type { Cancel, Process } from './world.ts';

const AGENT = 'cilium/cilium';
const CNI_FILE = '/etc/cni/net.d/05-cilium.conflist';
/** Start of the agent to its end: it fails while it sets itself up. */
const CRASH_MS = [1_200, 1_900] as const;

export interface TwinLevers {
  /** From now on the agent's process on this node exits soon after its start; one that runs already goes on. */
  crashAgent(node: string): Cancel;
  /** From now on nothing can write Cilium's CNI file on this node; what is written stays. */
  refuseCniFile(node: string): Cancel;
  /** The node's image store loses the agent's image; its next pull takes this many milliseconds. */
  slowAgentPull(node: string, ms: number): Cancel;
}

/** @throws Error, each of them, when there is no such node */
export function createLevers(cluster: Cluster): TwinLevers {
  const machine = (node: string): TwinMachine => {
    const found = cluster.machines.get(node);
    if (found === undefined) throw new Error(`the embedded cluster has no node ${node}`);
    return found;
  };
  return {
    crashAgent: (node) =>
      cluster.world.programs.registerOn(machine(node).name, AGENT, (context): Process => {
        const message = 'level=fatal msg="failed to start: unable to initialize the datapath"';
        context.after(context.random.integer(...CRASH_MS), () => context.exit(1, message));
        return { ports: [], probe: () => false };
      }),
    refuseCniFile: (node) => machine(node).files.refuseWrites(CNI_FILE),
    slowAgentPull: (node, ms) => machine(node).images.lose(AGENT, ms),
  };
}
