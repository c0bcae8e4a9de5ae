/** The command `helm` as the twin answers it: version 3.21.4, the words of docs/decisions/0003 and no others. */
import { readFileSync } from 'node:fs';
import type { World } from '../world.ts';
import { answer, failure, notModelled, type Sleep, type TwinCommand } from './command.ts';
import { type UpgradeRequest, upgrade } from './helm-upgrade.ts';

export interface HelmOptions {
  /** Lets virtual time pass, in milliseconds. */
  readonly sleep: Sleep;
  /** Reads a file named by `--values`; from disk unless given. */
  readonly readFile?: (path: string) => string;
  /** Install although the chart knows values that the twin does not model (`--allow not-modelled`). */
  readonly allowNotModelled?: boolean;
  /** Does the API answer those outside of the cluster? Left out: whenever it is served. */
  readonly apiAnswers?: () => boolean;
}

const VERSION = 'v3.21.4';

interface UpgradeArguments extends Omit<UpgradeRequest, 'values' | 'allowNotModelled'> {
  readonly valueFiles: string[];
}

/** The flags that the rehearsal uses; undefined for any other. */
function readUpgrade(args: readonly string[]): UpgradeArguments | undefined {
  const flags = new Map<string, string>();
  const positional: string[] = [];
  const valueFiles: string[] = [];
  let install = false;
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === '--install') install = true;
    else if (word === '--values') valueFiles.push(args[++i] ?? '');
    else if (['--repo', '--version', '--namespace', '--kubeconfig'].includes(word)) flags.set(word, args[++i] ?? '');
    else if (word.startsWith('-')) return undefined;
    else positional.push(word);
  }
  const [release, chart] = positional;
  const [repo, version, namespace] = [flags.get('--repo'), flags.get('--version'), flags.get('--namespace')];
  if (release !== 'cilium' || chart !== 'cilium' || positional.length !== 2) return undefined;
  if (repo === undefined || version === undefined || namespace === undefined || !flags.has('--kubeconfig'))
    return undefined;
  if (repo.replace(/\/$/, '') !== 'https://helm.cilium.io') return undefined;
  return { release, chart, repo, version, namespace, install, valueFiles };
}

/** Answers `helm version --template {{.Version}}` and `helm upgrade --install cilium cilium …`; anything else exits 64. */
export function helmCommand(world: World, options: HelmOptions): TwinCommand {
  const random = world.random('commands/helm');
  const readFile = options.readFile ?? ((path: string) => readFileSync(path, 'utf8'));
  return async (args, io) => {
    if (args[0] === 'version' && args[1] === '--template' && args[2] === '{{.Version}}' && args.length === 3) {
      await options.sleep(50, io.signal);
      return answer(VERSION);
    }
    const request = args[0] === 'upgrade' ? readUpgrade(args.slice(1)) : undefined;
    if (request === undefined) return notModelled(`helm ${args.join(' ')}`);
    const { valueFiles, ...rest } = request;
    const texts: string[] = [];
    for (const file of valueFiles) {
      try {
        texts.push(file === '-' ? io.stdin : readFile(file));
      } catch {
        return failure(`Error: open ${file}: no such file or directory\n`);
      }
    }
    // Index and archive are downloaded before anything is sent to the API.
    await options.sleep(Math.round(random.between(1200, 2400)), io.signal);
    const answers = options.apiAnswers ?? ((): boolean => world.apiAvailable());
    const result = upgrade(
      world,
      { ...rest, values: texts, allowNotModelled: options.allowNotModelled ?? false },
      answers(),
    );
    if (result.exitCode === 0) await options.sleep(Math.round(random.between(300, 700)), io.signal);
    return result;
  };
}
