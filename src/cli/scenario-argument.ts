/** SCENARIO, --set, --allow, --seed and --provider mean the same in every sub-command that takes a scenario. */
import {
  type ChosenScenario,
  chosenScenario,
  locate,
  MAX_SEED,
  overrideOf,
  providerOf,
  ruleOf,
} from '../session/scenario-choice.ts';
import { type Arguments, type Flags, numberFlag } from './arguments.ts';
import { commandLine } from './usage.ts';

export const SCENARIO_FLAGS: Flags = {
  provider: {
    kind: 'value',
    value: 'twin|kind',
    help: 'What stands behind the doors: the embedded cluster (twin, the default) or a real one in Docker (kind).',
  },
  set: { kind: 'list', value: 'PATH=VALUE', help: 'Put a YAML value over a key of the scenario; may be repeated.' },
  seed: { kind: 'value', value: 'N', help: 'Seed of everything that is drawn at random (default 1).' },
  allow: {
    kind: 'list',
    value: 'RULE',
    help: 'Turn the refusal of a preflight rule into a finding (rehearse list rules); may be repeated.',
  },
  fault: {
    kind: 'list',
    value: 'NAME[:KEY=VALUE,…]',
    help: 'Break something on purpose (rehearse list faults); may be repeated.',
  },
};

export type ScenarioArgument = ChosenScenario;

/**
 * @param faults what `--fault` puts into it; all of them unless given (a drill picks rows by them instead)
 * @throws UsageError, ScenarioError
 */
export function scenarioArgument(args: Arguments, command: string, faults = args.list('fault')): ScenarioArgument {
  const source = commandLine(command);
  return chosenScenario(
    {
      allow: args.list('allow').map((rule) => ruleOf(rule, source)),
      provider: providerOf(args.value('provider') ?? 'twin', source),
      seed: numberFlag(args, 'seed', command, 0, MAX_SEED) ?? 1,
      file: locate(args.positionals[0] ?? 'lab', source),
      overrides: args.list('set').map((text) => overrideOf(text, source)),
      faults,
    },
    source,
  );
}
