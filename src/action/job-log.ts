/** The step's log: a group for each phase, which the runner folds, and plain lines in it. */
import type { Event } from '../events/events.ts';
import { type Console, createConsole, PHASE_TITLES } from '../report/console.ts';
import { printable } from '../scenario/printable.ts';

/**
 * A line that the runner does not take for a command of ours, whoever wrote the text in it: it looks for `::` at a line's
 * beginning and for `##[` anywhere (actions/runner src/Runner.Common/ActionCommand.cs).
 */
export function harmless(text: string): string {
  return text.replace(/^(\s*):(?=:)/gm, '$1: ').replaceAll('##[', '# #[');
}

export class JobLog {
  readonly #write: (text: string) => void;
  readonly #console: Console;
  #open = false;

  constructor(options: { write: (text: string) => void; mode: 'quiet' | 'normal' | 'verbose' }) {
    this.#write = options.write;
    this.#console = createConsole({
      write: (text) => options.write(harmless(text)),
      terminal: false,
      colour: false,
      columns: () => 120,
      mode: options.mode,
    });
  }

  take(event: Event): void {
    switch (event.type) {
      case 'phase-started':
        // Groups cannot lie in each other.
        this.#close();
        this.#write(`::group::${PHASE_TITLES[event.phase]}\n`);
        this.#open = true;
        break;
      case 'phase-ended':
        this.#console.take(event);
        this.#close();
        break;
      case 'verdict':
        this.#close();
        this.#console.take(event);
        break;
      default:
        this.#console.take(event);
    }
  }

  /** A line beside the events. */
  note(message: string): void {
    this.#console.note(printable(message, 2_000));
  }

  /** Nothing more of the run is coming. */
  end(): void {
    this.#close();
    this.#console.end();
  }

  #close(): void {
    if (this.#open) this.#write('::endgroup::\n');
    this.#open = false;
  }
}
