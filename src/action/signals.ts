/**
 * A job that is cancelled: the runner sends SIGINT, 7.5 s later SIGTERM, and kills 2.5 s after that (actions/runner
 * src/Runner.Sdk/ProcessInvoker.cs). The first one ends the run; the second one finds us at it already.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Cancellation {
  /** The signal that was received first, if any. */
  readonly received: string | undefined;
  /** Called for the first signal, also when it has come already; before this nothing was begun, and the process ends. */
  onSignal(end: (signal: string) => void): void;
}

/** Listens from now on. @param exit ends the process at once */
export function listenForCancellation(exit: () => void): Cancellation {
  let received: string | undefined;
  let end: (signal: string) => void = exit;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (received !== undefined) return;
      received = signal;
      end(signal);
    });
  }
  return {
    get received() {
      return received;
    },
    onSignal: (action) => {
      end = action;
      if (received !== undefined) action(received);
    },
  };
}
