/**
 * Signals: the first ends the run in good order, a second one ends the process at once. While there is no run (the
 * sources are still being loaded, the output is being drained) the first one ends the process.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Of EXIT_CODES; importing it here would load half of the sources before the first signal is listened to. */
const CANCELLED = 130;

/**
 * A terminal sends Ctrl-C to every process of the job, and npm hands it on once more: two signals that come together are
 * one wish.
 */
const ONE_WISH_MS = 500;

export interface Interruption extends Disposable {
  /** The signal that was received first, if any. */
  readonly received: string | undefined;
}

/** Who hears of a signal; undefined: nobody, and the process ends. */
let run: ((signal: string) => void) | undefined;
let installed = false;

/**
 * Listens from now on. A shell that ignores SIGHUP (`nohup`) says so in `REHEARSE_NOHUP`, because Node has forgotten it.
 * @param env the process's environment
 */
export function listenToSignals(env: Readonly<Record<string, string | undefined>>): void {
  if (installed) return;
  installed = true;
  for (const signal of SIGNALS) {
    if (signal === 'SIGHUP' && env.REHEARSE_NOHUP === '1') process.on(signal, () => undefined);
    else process.on(signal, () => (run === undefined ? process.exit(CANCELLED) : run(signal)));
  }
}

/**
 * From now on signals end a run instead of the process, until this is disposed of.
 * @param first called once, for the first signal
 * @param second called for a further one; must not return
 * @param now milliseconds, monotonic
 */
export function onSignals(first: (signal: string) => void, second: () => never, now: () => number): Interruption {
  listenToSignals(process.env);
  let received: string | undefined;
  let at = 0;
  const before = run;
  run = (signal) => {
    if (received === undefined) {
      received = signal;
      at = now();
      first(signal);
    } else if (now() - at > ONE_WISH_MS) {
      second();
    }
  };
  return {
    get received() {
      return received;
    },
    [Symbol.dispose]: () => {
      run = before;
    },
  };
}
