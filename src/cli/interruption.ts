/** Signals: the first ends the run in good order, a second one ends the process at once. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A terminal sends Ctrl-C to every process of the job, and npm hands it on once more: two signals that come together are
 * one wish.
 */
const ONE_WISH_MS = 500;

export interface Interruption extends Disposable {
  /** The signal that was received first, if any. */
  readonly received: string | undefined;
}

/**
 * @param first called once, for the first signal
 * @param second called for a further one; must not return
 * @param now milliseconds, monotonic
 */
export function onSignals(first: (signal: string) => void, second: () => never, now: () => number): Interruption {
  let received: string | undefined;
  let at = 0;
  const handler = (signal: NodeJS.Signals): void => {
    if (received === undefined) {
      received = signal;
      at = now();
      first(signal);
    } else if (now() - at > ONE_WISH_MS) {
      second();
    }
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  return {
    get received() {
      return received;
    },
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, handler);
    },
  };
}
