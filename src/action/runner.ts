/** The runner as the step sees it: log, annotations, outputs, summary, state (`@actions/core`). */
import { error as annotate, saveState, setOutput, setSecret, summary, warning } from '@actions/core';
import type { Annotation } from './annotation.ts';
import type { Outputs } from './outcome.ts';
import type { SaveState } from './state.ts';

export interface Runner {
  /** To the step's log, as it is. */
  readonly write: (text: string) => void;
  readonly mask: (secret: string) => void;
  /** @throws Error when the runner's file for it cannot be written */
  readonly saveState: SaveState;
  readonly annotate: (annotation: Annotation) => void;
  readonly warn: (message: string) => void;
  /** @returns what could not be handed over, one sentence each */
  readonly tell: (outputs: Outputs, markdown: string) => Promise<string[]>;
}

export function thisRunner(): Runner {
  // Nobody reads the log any more: that ends the log, not the run.
  process.stdout.on('error', () => undefined);
  return {
    write: (text) => void (process.stdout.writable && process.stdout.write(text)),
    mask: setSecret,
    saveState,
    annotate: ({ message, ...properties }) => annotate(message, properties),
    warn: (message) => warning(message),
    tell,
  };
}

async function tell(outputs: Outputs, markdown: string): Promise<string[]> {
  const troubles: string[] = [];
  try {
    for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
  } catch (error) {
    troubles.push(`the outputs could not be set: ${textOf(error)}`);
  }
  // Not every runner has summaries.
  if (markdown === '' || (process.env.GITHUB_STEP_SUMMARY ?? '') === '') return troubles;
  try {
    await summary.addRaw(markdown, true).write();
  } catch (error) {
    troubles.push(`the job summary could not be written: ${textOf(error)}`);
  }
  return troubles;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
