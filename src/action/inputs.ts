/** The inputs of the step, read and checked in one place. Nothing is touched; an empty input is an absent one. */

import { resolve } from 'node:path';
import type { WantedTools } from '../provider/kind/tools.ts';
import { planFor } from '../rehearsal/plan.ts';
import type { Override } from '../scenario/document.ts';
import { printable } from '../scenario/printable.ts';
import { assertProviderData } from '../scenario/provider-data.ts';
import { type Expectation, knownCheckpoint, parseExpectation } from '../session/expectation.ts';
import {
  type ChosenScenario,
  chosenScenario,
  locate,
  MAX_SEED,
  overrideOf,
  providerOf,
  ruleOf,
} from '../session/scenario-choice.ts';
import { choiceOf, mirrorOf, type WordSource, wholeNumberOf } from '../session/words.ts';
import { INPUTS, type InputName } from './input-table.ts';

/** An input is wrong. One clear sentence: which, its value, what is allowed. */
export class InputError extends Error {
  override readonly name = 'InputError';
  constructor(message: string) {
    super(printable(message, 800));
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the step was asked for, all of it known to be good. */
export interface Request {
  readonly chosen: ChosenScenario;
  /** What paths in inputs are relative to; absolute. */
  readonly workspace: string;
  /** Absolute path of the report directory. */
  readonly directory: string;
  readonly until: string | null;
  readonly expect: Expectation | undefined;
  readonly keep: 'never' | 'failed' | 'always';
  readonly mode: 'quiet' | 'normal' | 'verbose';
  readonly imageMirrors: readonly string[];
  readonly tools: WantedTools;
}

/** Inputs as the source of words. */
export const inputSource: WordSource = {
  option: (name) => `input ${name}`,
  given: (name, text) => `input ${name} ${JSON.stringify(text)}`,
  scenario: 'input scenario: ',
  refuse: (message) => new InputError(message),
};

/** What paths in inputs are relative to. */
export const workspaceOf = (env: Environment): string => resolve(env.GITHUB_WORKSPACE || '.');

/**
 * @param env of the step: `INPUT_NAME`, `GITHUB_WORKSPACE`, `RUNNER_DEBUG`
 * @throws InputError, ScenarioError
 */
export function readRequest(env: Environment): Request {
  const input = new Inputs(env);
  const workspace = workspaceOf(env);
  const provider = providerOf(input.text('provider') ?? INPUTS.provider.default, inputSource);
  const chosen = chosenScenario(
    {
      provider,
      file: locate(input.text('scenario') ?? INPUTS.scenario.default, inputSource, workspace),
      overrides: overridesOf(input, workspace),
      allow: input.lines('allow').map((rule) => ruleOf(rule, inputSource)),
      faults: input.lines('fault'),
      seed: wholeNumberOf('seed', input.text('seed') ?? INPUTS.seed.default, 0, MAX_SEED, inputSource),
    },
    inputSource,
  );
  assertProviderData(chosen.scenario, chosen.shown, provider);
  const checkpoints = planFor(chosen.scenario, chosen.seed, provider).checkpoints.map(({ id }) => id);
  const until = input.text('until');
  const expect = input.text('expect');
  return {
    chosen,
    workspace,
    directory: resolve(workspace, input.text('report') ?? INPUTS.report.default),
    until: until === undefined ? null : knownCheckpoint('until', until, checkpoints, inputSource),
    expect: expect === undefined ? undefined : parseExpectation(expect, checkpoints, inputSource),
    keep: choiceOf('keep', input.text('keep') ?? INPUTS.keep.default, ['never', 'failed', 'always'], inputSource),
    mode: modeOf(input, env),
    imageMirrors: input.lines('image-mirror').map((text) => mirrorOf(text, inputSource)),
    tools: {
      kind: input.version('kind-version'),
      helm: input.version('helm-version'),
      cilium: input.version('cilium-cli-version'),
      baseUrl: input.url('download-base-url'),
    },
  };
}

/** Inputs that are a key of the scenario. */
const KEYS: readonly { readonly name: InputName; readonly path: string }[] = [
  { name: 'cilium-version', path: 'cilium.version' },
  { name: 'calico-version', path: 'calico.version' },
  { name: 'kubernetes-version', path: 'kubernetes.version' },
  { name: 'workers', path: 'cluster.workers' },
  { name: 'control-planes', path: 'cluster.controlPlanes' },
  // Text of a mapping is the values themselves, any other text the path of their file: the scenario's own rule.
  { name: 'values', path: 'cilium.values' },
];

function overridesOf(input: Inputs, directory: string): Override[] {
  const overrides = KEYS.flatMap(({ name, path }) => {
    const value = input.text(name);
    return value === undefined ? [] : [{ path, value, source: `input ${name}`, directory }];
  });
  const workloads = input.lines('workloads');
  if (workloads.length > 0) {
    const value = JSON.stringify(workloads);
    overrides.push({ path: 'workloads', value, source: 'input workloads', directory });
  }
  const sets = input.lines('set').map((text) => ({ ...overrideOf(text, inputSource), directory }));
  return [...overrides, ...sets];
}

/** `RUNNER_DEBUG=1` is what "Re-run jobs with debug logging" sets. */
function modeOf(input: Inputs, env: Environment): Request['mode'] {
  const verbose = input.switch('verbose');
  const quiet = input.switch('quiet');
  if (verbose && quiet) throw new InputError('input verbose and input quiet exclude each other');
  if (verbose || env.RUNNER_DEBUG === '1') return 'verbose';
  return quiet ? 'quiet' : 'normal';
}

/** Texts of the inputs, as the runner hands them over (`@actions/core` reads them the same way). */
class Inputs {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  text(name: InputName): string | undefined {
    const text = this.#env[`INPUT_${name.toUpperCase()}`]?.trim();
    return text === '' ? undefined : text;
  }

  lines(name: InputName): string[] {
    return (this.text(name) ?? '')
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  }

  /** @throws InputError */
  switch(name: InputName): boolean {
    const text = this.text(name) ?? INPUTS[name].default;
    if (/^(true|True|TRUE)$/.test(text)) return true;
    if (/^(false|False|FALSE)$/.test(text)) return false;
    throw new InputError(`${inputSource.given(name, text)}: true or false is wanted`);
  }

  /** A version as tools are asked for it (host/tools/version.ts), without `v`. @throws InputError */
  version(name: InputName): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const version = /^v?(latest|\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?)$/.exec(text)?.[1];
    if (version !== undefined) return version;
    throw new InputError(
      `${inputSource.given(name, text)}: a version such as 1.2.3, its beginning, or latest is wanted`,
    );
  }

  /** @throws InputError */
  url(name: InputName): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text.replace(/\/+$/, '');
    throw new InputError(`${inputSource.given(name, text)}: a URL that begins with https:// or http:// is wanted`);
  }
}
