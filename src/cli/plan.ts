/** `rehearse plan`: the steps that a run would take; nothing is touched. */
import type { PlannedFault } from '../faults/parse.ts';
import { planFor } from '../rehearsal/plan.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { SCENARIO_FLAGS, scenarioArgument } from './scenario-argument.ts';

export const plan: Command = {
  name: 'plan',
  usage: 'plan [SCENARIO] [--provider P] [--set PATH=VALUE]... [--seed N] [--json]',
  summary: 'Show the steps and checkpoints that a run would take; nothing is touched.',
  flags: { ...SCENARIO_FLAGS, json: { kind: 'boolean', help: 'Print one JSON document.' } },
  run: async (words, output) => {
    const args = parseArguments('plan', words, plan.flags, 1);
    const { scenario, seed, provider, faults } = scenarioArgument(args, 'plan');
    const starts = (type: 'step' | 'checkpoint', id: string): string[] =>
      faults.filter(({ start }) => start?.type === type && start.id === id).map(({ spec }) => `    ! fault ${spec}`);
    const { nodes, phases, checkpoints } = planFor(scenario, seed, provider);
    if (args.has('json')) {
      output.result(
        `${JSON.stringify({ scenario: scenario.name, provider, seed, nodes, phases, checkpoints, faults: faults.map(plannedJson) }, null, 2)}\n`,
      );
      return 0;
    }
    const lines = [
      `${scenario.name}: ${checkpoints.length} checkpoints, nodes in this order: ${nodes.map(({ name }) => name).join(', ')}`,
    ];
    for (const { spec } of faults.filter(({ start }) => start === null)) lines.push(`! fault ${spec}, in the scenario`);
    for (const { phase, items } of phases) {
      lines.push('', phase);
      for (const item of items) {
        lines.push(item.type === 'checkpoint' ? `  ● checkpoint ${item.id}` : `  - ${item.title}  [${item.id}]`);
        lines.push(...starts(item.type, item.id));
      }
    }
    output.result(`${lines.join('\n')}\n`);
    return 0;
  },
};

/** `start` null: in the scenario, from the beginning. */
const plannedJson = ({ fault, args, start, healAfterMs }: PlannedFault) => ({
  name: fault.name,
  args,
  start,
  healAfterSeconds: healAfterMs === null ? null : healAfterMs / 1_000,
});
