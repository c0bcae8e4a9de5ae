import type { VerdictEvent } from '../rehearsal/run.ts';

/** The verdict when the embedded world itself threw: something that it does not model, or a bug. */
export function unforeseen(error: unknown, beforePointOfNoReturn: boolean): VerdictEvent {
  const message = error instanceof Error ? error.message : String(error);
  const notModelled = error instanceof Error && /NotModelled$/.test(error.name);
  return {
    type: 'verdict',
    verdict: notModelled ? 'not-modelled' : 'error',
    reason: notModelled ? 'not-modelled' : 'internal',
    message: notModelled
      ? `The twin does not model this: ${message}`
      : `Internal error: ${message}. Please report it with events.ndjson.`,
    failedCheckpoint: null,
    beforePointOfNoReturn,
    handwork: [],
  };
}
