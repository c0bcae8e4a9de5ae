/** `rehearse check`: is the scenario sound, and does this version know what it names? Nothing is touched. */
import { EXIT_CODES } from '../events/verdict.ts';
import { reviewForTwin } from '../provider/twin-review.ts';
import { assertTwinData } from '../scenario/read.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { SCENARIO_FLAGS, scenarioArgument } from './scenario-argument.ts';
import { notInThisVersion } from './usage.ts';

export const check: Command = {
  name: 'check',
  usage: 'check [SCENARIO] [--set PATH=VALUE]... [--json]',
  summary: 'Validate a scenario and its versions; nothing is touched.',
  details:
    'Checks the schema, the versions, and what the embedded cluster models of them. The preflight rules are not in this version.',
  flags: {
    ...SCENARIO_FLAGS,
    live: { kind: 'boolean', help: 'Not in this version: provision a cluster and run the live rules too.' },
    json: { kind: 'boolean', help: 'Print one JSON document.' },
  },
  run: async (words, output) => {
    const args = parseArguments('check', words, check.flags, 1);
    if (args.has('live')) throw notInThisVersion('check --live');
    const { scenario, shown } = scenarioArgument(args, 'check');
    assertTwinData(scenario, shown);
    const review = reviewForTwin(scenario);
    const allowed = scenario.preflight.allow.includes('not-modelled');
    const ok = review.notModelled.length === 0 && (allowed || review.notModelledValues.length === 0);
    if (args.has('json')) {
      output.result(`${JSON.stringify({ file: shown, valid: true, modelled: ok, review, scenario }, null, 2)}\n`);
    } else {
      const { kubernetes, calico, cilium, cluster } = scenario;
      const lines = [
        `${shown}: valid`,
        `  ${cluster.controlPlanes} + ${cluster.workers} nodes, Kubernetes ${kubernetes.version}, Calico ${calico.version} → Cilium ${cilium.version}`,
        ...review.notModelled.map((text) => `  not modelled by the twin: ${text}`),
        ...review.notModelledValues.map((text) => `  not modelled by the twin${allowed ? ' (allowed)' : ''}: ${text}`),
        ...review.unknownValues.map((text) => `  unknown Helm value: ${text}`),
      ];
      if (review.irrelevantValues.length > 0) {
        lines.push(`  change nothing that is rehearsed: ${review.irrelevantValues.join(', ')}`);
      }
      output.result(`${lines.join('\n')}\n`);
    }
    return ok ? EXIT_CODES.passed : EXIT_CODES['not-modelled'];
  },
};
