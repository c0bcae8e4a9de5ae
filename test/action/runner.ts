/**
 * What a GitHub runner does with the action, as far as it matters here: inputs as `INPUT_…`, a file for each of outputs,
 * state, summary, environment and path, main as a process, then post with `STATE_…` (actions/runner
 * src/Runner.Worker/ActionRunner.cs, FileCommandManager.cs). The bundle is made anew, so that tests do not depend on dist.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundle } from '../../scripts/bundle.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The action as the runner has it after a checkout: a directory with dist, data, scenarios, package.json and action.yml. */
export async function checkedOutAction(): Promise<string> {
  const action = mkdtempSync(path.join(tmpdir(), 'action-'));
  await bundle(path.join(action, 'dist'));
  for (const name of ['data', 'scenarios']) symlinkSync(path.join(ROOT, name), path.join(action, name));
  for (const name of ['package.json', 'action.yml']) cpSync(path.join(ROOT, name), path.join(action, name));
  return action;
}

/** A `::command key=value::message` of the log. */
export interface Command {
  readonly command: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

export interface StepEnd {
  /** null when a signal ended it. */
  readonly code: number | null;
  /** Lines that are no commands. */
  readonly log: readonly string[];
  readonly stderr: string;
  readonly commands: readonly Command[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly summary: string;
}

export interface StepOptions {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with what was written to the log so far, each time it grows. */
  readonly onLog?: (log: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** Names of the runner's files that are announced and not there. */
  readonly missing?: readonly string[];
}

const FILES = ['OUTPUT', 'STATE', 'STEP_SUMMARY', 'ENV', 'PATH'] as const;

export class FakeRunner implements Disposable {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'runner-'));
  readonly workspace = path.join(this.directory, 'work');
  readonly #action: string;
  #steps = 0;

  constructor(action: string) {
    this.#action = action;
    mkdirSync(this.workspace);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  write(name: string, text: string): void {
    const file = path.join(this.workspace, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read(...name: string[]): string {
    return readFileSync(path.join(this.workspace, ...name), 'utf8');
  }

  main(options: StepOptions = {}): Promise<StepEnd> {
    return this.#step('main', options, {});
  }

  post(main: Pick<StepEnd, 'state'>, options: StepOptions = {}): Promise<StepEnd> {
    const state = Object.entries(main.state).map(([name, value]) => [`STATE_${name}`, value]);
    return this.#step('post', options, Object.fromEntries(state));
  }

  #step(entry: 'main' | 'post', options: StepOptions, state: Record<string, string>): Promise<StepEnd> {
    const files = path.join(this.directory, `files-${++this.#steps}`);
    mkdirSync(files);
    const announced = Object.fromEntries(FILES.map((name) => [`GITHUB_${name}`, path.join(files, name)]));
    for (const name of FILES) if (!options.missing?.includes(name)) writeFileSync(path.join(files, name), '');
    const inputs = Object.entries(options.inputs ?? {}).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    const child = spawn(process.execPath, [path.join(this.#action, 'dist', `${entry}.mjs`)], {
      cwd: this.workspace,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: this.directory,
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: this.workspace,
        ...announced,
        ...Object.fromEntries(inputs),
        ...state,
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += data;
      options.onLog?.(stdout, (signal) => child.kill(signal));
    });
    child.stderr.on('data', (data: Buffer) => (stderr += data));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        const lines = stdout.split('\n').slice(0, -1);
        const text = (name: string): string =>
          existsSync(path.join(files, name)) ? readFileSync(path.join(files, name), 'utf8') : '';
        resolve({
          code,
          stderr,
          log: lines.filter((line) => commandOf(line) === undefined),
          commands: lines.flatMap((line) => commandOf(line) ?? []),
          outputs: valuesOf(text('OUTPUT')),
          state: valuesOf(text('STATE')),
          summary: text('STEP_SUMMARY'),
        });
      });
    });
  }
}

/** As the runner reads a line: spaces before `::` do not matter (actions/runner src/Runner.Common/ActionCommand.cs). */
function commandOf(line: string): Command | undefined {
  const match = /^\s*::([\w-]+)(?: ([^:]*))?::(.*)$/.exec(line);
  if (match === null) return undefined;
  const [, command = '', properties = '', message = ''] = match;
  const plain = (text: string): string =>
    text
      .replaceAll('%0D', '\r')
      .replaceAll('%0A', '\n')
      .replaceAll('%3A', ':')
      .replaceAll('%2C', ',')
      .replaceAll('%25', '%');
  const pairs = properties.split(',').filter((pair) => pair !== '');
  return {
    command,
    properties: Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), plain(pair.slice(pair.indexOf('=') + 1))]),
    ),
    message: plain(message),
  };
}

/** `name<<delimiter`, lines, `delimiter`. */
function valuesOf(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [, name = '', , value = ''] of text.matchAll(/^(\w[\w-]*)<<(.+)\n([\s\S]*?)\n\2$/gm)) values[name] = value;
  return values;
}
