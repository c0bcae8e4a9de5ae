/** Progress on stderr, from the events. */
import type { Sink } from '../events/stream.ts';
import type { Output } from './output.ts';

export interface Progress {
  readonly take: Sink;
  /** A line beside the events: a signal, a warning. */
  note(message: string): void;
  end(): void;
}

export function progressOf(
  output: Output,
  _options: { mode: 'quiet' | 'normal' | 'verbose'; directory: string },
): Progress {
  return {
    take: (event) => {
      if (event.type === 'checkpoint') output.message(`${event.id} ${event.outcome}\n`);
      if (event.type === 'verdict') output.message(`${event.verdict} ${event.message}\n`);
    },
    note: (message) => output.message(`rehearse: ${message}\n`),
    end: () => undefined,
  };
}
