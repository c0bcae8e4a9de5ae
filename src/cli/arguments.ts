/** Words of the command line, checked against what a sub-command takes. */
import { parseArgs } from 'node:util';
import { nearest } from '../scenario/nearest.ts';
import { choiceOf, wholeNumberOf } from '../session/words.ts';
import { commandLine, UsageError } from './usage.ts';

export interface Flag {
  /** `boolean`: present or not. `value`: one, the last wins. `list`: may be given several times. */
  readonly kind: 'boolean' | 'value' | 'list';
  /** What the value is called in the help. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

export interface Arguments {
  readonly positionals: readonly string[];
  readonly has: (flag: string) => boolean;
  readonly value: (flag: string) => string | undefined;
  readonly list: (flag: string) => readonly string[];
}

export const HELP: Flags = { help: { kind: 'boolean', help: 'Show this help.' } };

/**
 * @param command name of the sub-command, for messages
 * @param most how many positional arguments it takes at most
 * @throws UsageError
 */
export function parseArguments(command: string, words: readonly string[], flags: Flags, most: number): Arguments {
  const known: Flags = { ...flags, ...HELP };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(known).map(([name, flag]) => [
        name,
        {
          type: flag.kind === 'boolean' ? ('boolean' as const) : ('string' as const),
          ...(name === 'help' && { short: 'h' }),
        },
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      if (token.value.trim() === '') throw new UsageError('an argument is empty', command);
      positionals.push(token.value);
      continue;
    }
    const flag = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (flag === undefined) {
      const like = nearest(token.name, Object.keys(known));
      throw new UsageError(
        `unknown flag ${token.rawName}${like === undefined ? '' : `; did you mean --${like}?`}`,
        command,
      );
    }
    if (flag.kind === 'boolean') {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`, command);
      values.set(token.name, []);
      continue;
    }
    if (token.value === undefined || (token.value === '' && token.name !== 'set')) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${flag.value ?? 'VALUE'}`, command);
    }
    // `--report --json`: the next flag was swallowed as the value.
    if (token.inlineValue === false && token.value.startsWith('--')) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${flag.value ?? 'VALUE'}`, command);
    }
    const before = values.get(token.name);
    if (flag.kind === 'list' && before !== undefined) before.push(token.value);
    else values.set(token.name, [token.value]);
  }
  if (positionals.length > most) {
    throw new UsageError(`unexpected argument ${JSON.stringify(positionals[most])}`, command);
  }
  return {
    positionals,
    has: (flag) => values.has(flag),
    value: (flag) => values.get(flag)?.at(-1),
    list: (flag) => values.get(flag) ?? [],
  };
}

/** A whole number from a flag. @throws UsageError */
export function numberFlag(
  args: Arguments,
  flag: string,
  command: string,
  min: number,
  max: number,
): number | undefined {
  const text = args.value(flag);
  if (text === undefined) return undefined;
  return wholeNumberOf(flag, text, min, max, commandLine(command));
}

/** One of a few words from a flag. @throws UsageError */
export function choiceFlag<T extends string>(
  args: Arguments,
  flag: string,
  command: string,
  choices: readonly T[],
): T | undefined {
  const text = args.value(flag);
  if (text === undefined) return undefined;
  return choiceOf(flag, text, choices, commandLine(command));
}
