/** Which scenario is rehearsed, with what over it and broken in it: the same for the command line and the action. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
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
import type { Places, Positions } from '../scenario/positions.ts';
import { readScenarioWithPositions } from '../scenario/read.ts';
import { RULE_IDS, type RuleId } from '../scenario/rule-ids.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { choiceOf, type WordSource } from './words.ts';

const SCENARIOS = new URL('../../scenarios/', import.meta.url);
export const MAX_SEED = 2 ** 32 - 1;

/** What was asked for, each word checked by itself. */
export interface ScenarioWords {
  readonly file: ScenarioFile;
  readonly overrides: readonly Override[];
  readonly allow: readonly RuleId[];
  /** Texts of `fault`. */
  readonly faults: readonly string[];
  readonly seed: number;
  readonly provider: ProviderName;
}

export interface ScenarioFile {
  /** Path for reading. */
  readonly file: string;
  /** The scenario as the user named it, for messages. */
  readonly shown: string;
}

export interface ChosenScenario {
  /** With what the faults change in it. */
  readonly scenario: Scenario;
  /** Where its keys stand, for messages. */
  readonly at: Positions;
  /** Where its keys stand, for programs. */
  readonly places: Places;
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
 * Reads the scenario and puts everything over it. Nothing is touched.
 * @throws ScenarioError, or what the source refuses with
 */
export function chosenScenario(words: ScenarioWords, source: WordSource): ChosenScenario {
  const { seed, provider } = words;
  const { file, shown } = words.file;
  const { scenario: read, at, places } = readScenarioWithPositions(file, shown, words.overrides);
  const scenario = { ...read, preflight: { allow: [...new Set([...read.preflight.allow, ...words.allow])] } };
  if (!scenario.providers.includes(provider)) {
    throw source.refuse(
      `${shown} is not meant for ${source.option('provider')} ${provider}: its providers are ${scenario.providers.join(', ')}`,
    );
  }
  const broken = withFaults(scenario, words.faults, { seed, provider, source });
  const keys = keysOfFaults(scenario, broken.faults, planFor(scenario, seed).nodes);
  return { ...broken, at: blamingFaults(at, keys, source), places, shown, seed, provider };
}

/**
 * The scenario with the faults in it.
 * @throws what the source refuses with, when one is not known, does not fit, or starts where the plan has nothing
 */
export function withFaults(
  scenario: Scenario,
  specs: readonly string[],
  { seed, provider, source }: { seed: number; provider: ProviderName; source: WordSource },
): Pick<ChosenScenario, 'scenario' | 'faults'> {
  if (specs.length === 0) return { scenario, faults: [] };
  try {
    const { nodes } = planFor(scenario, seed);
    const chosen = parseFaults(specs, FAULTS, nodes, provider);
    const changed = changedByFaults(scenario, chosen, nodes);
    const { steps, checkpoints } = planFor(changed, seed);
    const ids = { steps: steps.map(({ id }) => id), checkpoints: checkpoints.map(({ id }) => id) };
    return { scenario: changed, faults: plannedFaults(chosen, nodes, ids) };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    // faults/parse.ts calls the option as the command line does.
    throw source.refuse(error.message.replace(/^--fault /, `${source.option('fault')} `));
  }
}

/** A key that a fault has changed stands in the fault's words, not in the file. */
function blamingFaults(at: Positions, keys: ReadonlyMap<string, string>, source: WordSource): Positions {
  return (path) => {
    for (const [key, spec] of keys) {
      if (path === key || path.startsWith(`${key}.`) || key.startsWith(`${path}.`)) {
        return `${source.given('fault', spec)}: ${path}`;
      }
    }
    return at(path);
  };
}

/** @throws what the source refuses with, and the nearest rules */
export function ruleOf(text: string, source: WordSource): RuleId {
  const rule = RULE_IDS.find((id) => id === text);
  if (rule !== undefined) return rule;
  const like = nearest(text, RULE_IDS);
  throw source.refuse(
    `${source.given('allow', text)}: there is no such rule; ${like === undefined ? `rules: ${RULE_IDS.join(', ')}` : `did you mean ${like}?`}`,
  );
}

/** @throws what the source refuses with */
export function providerOf(text: string, source: WordSource): ProviderName {
  const provider = choiceOf('provider', text, ['twin', 'kind', 'existing'], source);
  if (provider !== 'existing') return provider;
  throw source.refuse(
    `${source.option('provider')} existing is refused for now: the rehearsal makes its own cluster and never touches yours`,
  );
}

/**
 * A file, or the name of a bundled scenario. A bare word is a name unless only a file of that name exists.
 * @param directory what paths are relative to; the working directory unless given
 * @throws what the source refuses with
 */
export function locate(word: string, source: WordSource, directory = '.'): ScenarioFile {
  const names = bundledScenarios();
  if (names.includes(word)) return { file: bundledFile(word), shown: `scenarios/${word}.yaml` };
  const file = directory === '.' ? word : resolve(directory, word);
  if (/[./\\]/.test(word) || existsSync(file)) return { file, shown: word };
  const like = nearest(word, names);
  throw source.refuse(
    `${source.scenario}there is no scenario ${word}${like === undefined ? '' : `; did you mean ${like}?`} (scenarios: ${names.join(', ')}; or give the path of a file)`,
  );
}

/** @throws what the source refuses with */
export function overrideOf(text: string, source: WordSource): Override {
  const at = text.indexOf('=');
  if (at <= 0) {
    throw source.refuse(`${source.given('set', text)}: PATH=VALUE is wanted, such as cluster.workers=2`);
  }
  const path = text.slice(0, at);
  return { path, value: text.slice(at + 1), source: `${source.option('set')} ${path}` };
}
