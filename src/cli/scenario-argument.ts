/** SCENARIO, --set, --allow, --seed and --provider mean the same in every sub-command that takes a scenario. */
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FAULTS } from '../faults/catalogue/index.ts';
import {
  changedByFaults,
  FaultError,
  keysOfFaults,
  type PlannedFault,
  parseFaults,
  plannedFaults,
} from '../faults/parse.ts';
import type { ProviderName } from '../provider/create.ts';
import { planFor } from '../rehearsal/plan.ts';
import type { Override } from '../scenario/document.ts';
import { nearest } from '../scenario/nearest.ts';
import type { Positions } from '../scenario/positions.ts';
import { readScenarioWithPositions } from '../scenario/read.ts';
import { RULE_IDS, type RuleId } from '../scenario/rule-ids.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Arguments, choiceFlag, type Flags, numberFlag } from './arguments.ts';
import { UsageError } from './usage.ts';

const SCENARIOS = new URL('../../scenarios/', import.meta.url);
const MAX_SEED = 2 ** 32 - 1;

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

export interface ScenarioArgument {
  /** With what the faults change in it. */
  readonly scenario: Scenario;
  /** Where its keys stand. */
  readonly at: Positions;
  readonly faults: readonly PlannedFault[];
  /** The scenario as the user named it, for messages. */
  readonly shown: string;
  readonly seed: number;
  readonly provider: ProviderName;
}

/** Names of the scenarios that come with the tool, sorted. */
export function bundledScenarios(): string[] {
  return readdirSync(SCENARIOS)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/** Path of a bundled scenario. */
export const bundledFile = (name: string): string => fileURLToPath(new URL(`${name}.yaml`, SCENARIOS));

/**
 * @param faults what `--fault` puts into it; all of them unless given (a drill picks rows by them instead)
 * @throws UsageError, ScenarioError
 */
export function scenarioArgument(args: Arguments, command: string, faults = args.list('fault')): ScenarioArgument {
  const allow = args.list('allow').map((rule) => ruleOf(rule, command));
  const provider = providerFlag(args, command);
  const seed = numberFlag(args, 'seed', command, 0, MAX_SEED) ?? 1;
  const { file, shown } = locate(args.positionals[0] ?? 'lab', command);
  const { scenario: read, at } = readScenarioWithPositions(
    file,
    shown,
    args.list('set').map((text) => overrideOf(text, command)),
  );
  const scenario = { ...read, preflight: { allow: [...new Set([...read.preflight.allow, ...allow])] } };
  if (!scenario.providers.includes(provider)) {
    throw new UsageError(
      `${shown} is not meant for --provider ${provider}: its providers are ${scenario.providers.join(', ')}`,
      command,
    );
  }
  const broken = withFaults(scenario, faults, { seed, provider, command });
  const keys = keysOfFaults(scenario, broken.faults, planFor(scenario, seed).nodes);
  return { ...broken, at: blamingFaults(at, keys), shown, seed, provider };
}

/** A key that a fault has changed stands on the command line, not in the file. */
function blamingFaults(at: Positions, keys: ReadonlyMap<string, string>): Positions {
  return (path) => {
    for (const [key, spec] of keys) {
      if (path === key || path.startsWith(`${key}.`) || key.startsWith(`${path}.`)) return `--fault ${spec}: ${path}`;
    }
    return at(path);
  };
}

/** @throws UsageError with the nearest rules */
function ruleOf(text: string, command: string): RuleId {
  const rule = RULE_IDS.find((id) => id === text);
  if (rule !== undefined) return rule;
  const like = nearest(text, RULE_IDS);
  throw new UsageError(
    `--allow ${text}: there is no such rule; ${like === undefined ? `rules: ${RULE_IDS.join(', ')}` : `did you mean ${like}?`}`,
    command,
  );
}

/**
 * The scenario with the faults in it.
 * @throws UsageError when one is not known, does not fit, or starts where the plan has nothing
 */
export function withFaults(
  scenario: Scenario,
  specs: readonly string[],
  { seed, provider, command }: { seed: number; provider: ProviderName; command: string },
): Pick<ScenarioArgument, 'scenario' | 'faults'> {
  if (specs.length === 0) return { scenario, faults: [] };
  try {
    const { nodes } = planFor(scenario, seed);
    const chosen = parseFaults(specs, FAULTS, nodes, provider);
    const changed = changedByFaults(scenario, chosen, nodes);
    const { steps, checkpoints } = planFor(changed, seed, provider);
    const ids = { steps: steps.map(({ id }) => id), checkpoints: checkpoints.map(({ id }) => id) };
    return { scenario: changed, faults: plannedFaults(chosen, nodes, ids) };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    throw new UsageError(error.message, command);
  }
}

function providerFlag(args: Arguments, command: string): ProviderName {
  const provider = choiceFlag(args, 'provider', command, ['twin', 'kind', 'existing']);
  if (provider === 'existing') {
    throw new UsageError(
      '--provider existing is refused for now: the rehearsal makes its own cluster and never touches yours',
      command,
    );
  }
  return provider ?? 'twin';
}

/** A file, or the name of a bundled scenario. A bare word is a name unless only a file of that name exists. */
function locate(word: string, command: string): { file: string; shown: string } {
  const names = bundledScenarios();
  if (names.includes(word)) return { file: bundledFile(word), shown: `scenarios/${word}.yaml` };
  if (/[./\\]/.test(word) || existsSync(word)) return { file: word, shown: word };
  const like = nearest(word, names);
  throw new UsageError(
    `there is no scenario ${word}${like === undefined ? '' : `; did you mean ${like}?`} (scenarios: ${names.join(', ')}; or give the path of a file)`,
    command,
  );
}

function overrideOf(text: string, command: string): Override {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`--set ${text}: PATH=VALUE is wanted, such as cluster.workers=2`, command);
  return { path: text.slice(0, at), value: text.slice(at + 1) };
}
