/** Progress on stderr, from the events. */
import type { Sink } from '../events/stream.ts';
import { createConsole } from '../report/console.ts';
import { printable } from '../scenario/printable.ts';
import type { Output } from './output.ts';

export interface Progress {
  readonly take: Sink;
  /** A line beside the events: a signal, a warning. */
  note(message: string): void;
  /** No more progress; says where the reports are, if there are any. */
  end(): void;
}

export function progressOf(
  output: Output,
  { mode, directory }: { mode: 'quiet' | 'normal' | 'verbose'; directory: string | null },
): Progress {
  const console = createConsole({
    write: output.message,
    terminal: output.terminal,
    colour: output.colour,
    columns: output.columns,
    mode,
  });
  return {
    take: (event) => console.take(event),
    note: (message) => console.note(`rehearse: ${printable(message, 2_000)}`),
    end: () => {
      console.end();
      if (mode !== 'quiet' && directory !== null) output.message(`  reports: ${printable(directory)}\n`);
    },
  };
}
