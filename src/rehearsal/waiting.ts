/** The waits of phases: by watching where the API can be watched, by looking again where it cannot. */
import type { KubeApi } from '../kube/api.ts';
import { WaitTimeout, waitFor } from '../kube/wait.ts';
import { type Clock, type Deadline, DeadlineExceeded } from '../time/clock.ts';
import { ApiLost, type Outages } from './patient-api.ts';
import type { Poll, Wait } from './rehearsal.ts';

export interface Waiting {
  /** Not the patient one: the watch goes on over an outage by itself. */
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly outages: Outages;
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly apiOutageMs: number;
}

/**
 * Waits for a condition over objects. The deadline stands still while the API is away; an outage that lasts longer than
 * `timeouts.apiOutage` ends the wait by itself.
 * @throws WaitTimeout, ApiLost, the signal's reason
 */
export async function waitForObjects<T extends object>(waiting: Waiting, wait: Wait<T>): Promise<readonly T[]> {
  const { api, clock, outages, signal, apiOutageMs } = waiting;
  const parent = wait.signal ? AbortSignal.any([signal, wait.signal]) : signal;
  const deadline = outages.deadline(wait.timeoutMs, parent);
  const lost = new AbortController();
  let outage: Deadline | undefined;
  const fields = [wait.name === undefined ? '' : `metadata.name=${wait.name}`, wait.fieldSelector ?? ''];
  const fieldSelector = fields.filter((field) => field !== '').join(',');
  try {
    return await waitFor({
      api,
      clock,
      what: wait.what,
      resource: wait.resource,
      options: {
        ...(wait.namespace === undefined ? {} : { namespace: wait.namespace }),
        ...(wait.labelSelector === undefined ? {} : { labelSelector: wait.labelSelector }),
        ...(fieldSelector === '' ? {} : { fieldSelector }),
      },
      signal: AbortSignal.any([deadline.signal, lost.signal]),
      until: (items) => {
        // A list or an event is an answer. Whoever else called the API away (a look at a control plane's own server) may
        // never ask again, and every deadline would stand still for good.
        outages.back();
        return wait.pending(items) ?? true;
      },
      onAvailability: (up) => {
        outage?.clear();
        outage = undefined;
        if (up) {
          outages.back();
          return;
        }
        const away = outages.away();
        outage = clock.deadline(Math.max(0, apiOutageMs - away));
        outage.signal.addEventListener('abort', () => lost.abort(new ApiLost(apiOutageMs, wait.what)), { once: true });
      },
    });
  } finally {
    outage?.clear();
    outages.forget(deadline);
  }
}

/** Looks again and again until nothing is missing. @throws WaitTimeout with what was last seen */
export async function pollUntil(waiting: Omit<Waiting, 'api'>, poll: Poll): Promise<void> {
  const deadline = waiting.outages.deadline(poll.timeoutMs, waiting.signal);
  let lastSeen = 'nothing yet';
  try {
    for (;;) {
      const pending = await poll.look();
      if (pending === null) return;
      lastSeen = pending;
      await waiting.clock.sleep(poll.everyMs, deadline.signal);
    }
  } catch (error) {
    waiting.signal.throwIfAborted();
    if (!(error instanceof DeadlineExceeded)) throw error;
    throw new WaitTimeout(poll.what, lastSeen, { cause: error });
  } finally {
    waiting.outages.forget(deadline);
  }
}
