/** A door to commands behind which a script stands: it answers words by patterns, and writes down what it was asked. */
import type { CommandOptions, CommandResult, Host } from '../../../src/host/host.ts';

export type Answer = string | Partial<CommandResult> | ((words: string, options: CommandOptions) => AnswerOf);
type AnswerOf = string | Partial<CommandResult> | Error | Promise<string | Partial<CommandResult> | Error>;

export interface ScriptedHost extends Host {
  /** Everything that was asked, in order. */
  readonly asked: string[];
}

/** The first pattern that fits answers; words that nobody foresaw are an error of the test. */
export function scriptedHost(script: readonly (readonly [RegExp, Answer])[]): ScriptedHost {
  const asked: string[] = [];
  return {
    asked,
    run: async (command, args, options) => {
      options.signal?.throwIfAborted();
      const words = [command, ...args].join(' ');
      asked.push(words);
      const found = script.find(([pattern]) => pattern.test(words));
      if (!found) throw new Error(`nobody foresaw: ${words}`);
      const [, answer] = found;
      const said = typeof answer === 'function' ? await answer(words, options) : answer;
      if (said instanceof Error) throw said;
      return { exitCode: 0, stdout: '', stderr: '', ...(typeof said === 'string' ? { stdout: said } : said) };
    },
  };
}

/** Answers of one after the other; the last one stays. */
export function inTurn(...answers: readonly (string | Partial<CommandResult>)[]): Answer {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)]!;
}
