/**
 * The API as phases use it: a call that gets no answer is made again until the API has been away for longer than
 * `timeouts.apiOutage`; while it is away every deadline stands still (only `apiOutage` judges an outage). All verbs that
 * phases use may be repeated: apply, patches, deletions and evictions by uid.
 */
import {
  ApiUnreachable,
  type CallOptions,
  type KubeApi,
  KubeError,
  type ObjectRef,
  type Resource,
} from '../kube/api.ts';
import { DENIAL_MS, isDenial, isInTrouble } from '../kube/passing.ts';
import type { Clock, Deadline } from '../time/clock.ts';

const PAUSE_MS = 1_000;
/** The server gives up on a patch that lost against others five times (kubernetes patch.go, MaxRetryWhenPatchConflicts). */
const CONFLICT_MS = 30_000;

/** Milliseconds for which a call is repeated that is answered so; 0: it is an answer. */
type Patience = (error: KubeError) => number;

/** The API has not answered for longer than `timeouts.apiOutage`. */
export class ApiLost extends ApiUnreachable {
  constructor(awayMs: number, request: string) {
    super(`the Kubernetes API has not answered for ${Math.round(awayMs / 1_000)} s`, request);
  }
}

/** Knows since when the API is away, and holds the deadlines that stand still meanwhile. */
export class Outages {
  readonly #clock: Clock;
  readonly #deadlines = new Set<Deadline>();
  /** On the monotonic clock: a machine that slept or was set to another time has not been without its API meanwhile. */
  #since: number | null = null;
  #ended = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the last outage ended, milliseconds since the epoch; 0 when there was none. */
  get lastEnded(): number {
    return this.#ended;
  }

  /** A deadline that stands still while the API is away. Clear it when done. */
  deadline(ms: number, parent?: AbortSignal): Deadline {
    const deadline = this.#clock.deadline(ms, parent);
    this.#deadlines.add(deadline);
    if (this.#since !== null) deadline.pause();
    return deadline;
  }

  forget(deadline: Deadline): void {
    deadline.clear();
    this.#deadlines.delete(deadline);
  }

  /** A call got no answer. @returns milliseconds for which the API has been away */
  away(): number {
    if (this.#since === null) {
      this.#since = this.#clock.monotonic();
      for (const deadline of this.#deadlines) deadline.pause();
    }
    return this.#clock.monotonic() - this.#since;
  }

  /** The API answered. */
  back(): void {
    if (this.#since === null) return;
    this.#since = null;
    this.#ended = this.#clock.now();
    for (const deadline of this.#deadlines) deadline.resume();
  }
}

export interface PatientOptions {
  readonly clock: Clock;
  readonly outages: Outages;
  /** Milliseconds. */
  readonly apiOutageMs: number;
  readonly signal: AbortSignal;
}

export function patientApi(api: KubeApi, options: PatientOptions): KubeApi {
  const { clock, outages, apiOutageMs, signal } = options;
  // A server in trouble for that long is as good as away (an election of etcd may take minutes).
  const usual: Patience = (error) => (isInTrouble(error) ? apiOutageMs : isDenial(error) ? DENIAL_MS : 0);
  /** Patches bear no version: a conflict is with others who write the same object at the same moment. */
  const ofPatches: Patience = (error) => (error.code === 409 ? CONFLICT_MS : usual(error));
  /** An eviction's own 429 is a budget's no, and its 500 may be several budgets on one pod (kubernetes policy/v1 eviction). */
  const ofEvictions: Patience = (error) => (error.code === 429 || error.code === 500 ? 0 : usual(error));
  /** @param own of the caller: who has given the call up does not want it tried again */
  const patiently = async <T>(call: () => Promise<T>, patience = usual, own: AbortSignal = signal): Promise<T> => {
    const either = own === signal ? signal : AbortSignal.any([signal, own]);
    let trouble: { readonly limitMs: number; readonly since: number } | undefined;
    for (;;) {
      signal.throwIfAborted();
      try {
        const answer = await call();
        outages.back();
        return answer;
      } catch (error) {
        if (error instanceof KubeError) {
          outages.back();
          const limitMs = patience(error);
          if (limitMs === 0) throw error;
          if (trouble?.limitMs !== limitMs) trouble = { limitMs, since: clock.monotonic() };
          if (clock.monotonic() - trouble.since > limitMs) throw error;
          await clock.sleep(PAUSE_MS, either);
          continue;
        }
        if (!(error instanceof ApiUnreachable)) throw error;
        trouble = undefined;
        const away = outages.away();
        if (away > apiOutageMs) throw new ApiLost(away, error.request);
        await clock.sleep(PAUSE_MS, either);
      }
    }
  };
  const within = <O extends CallOptions>(given: O | undefined): O & CallOptions =>
    ({ ...given, signal: given?.signal ?? signal }) as O & CallOptions;
  return {
    get: (resource, ref, given) => patiently(() => api.get(resource, ref, within(given))),
    list: (resource, given) => patiently(() => api.list(resource, within(given))),
    watch: (resource, given, onEvent) => api.watch(resource, within(given), onEvent),
    create: (resource, object, given) => api.create(resource, object, within(given)),
    apply: (resource, object, given) => patiently(() => api.apply(resource, object, within(given)), ofPatches),
    patch: (resource, ref, type, body, given) =>
      patiently(() => api.patch(resource, ref, type, body, within(given)), ofPatches),
    delete: (resource, ref, given) => patiently(() => api.delete(resource, ref, within(given))),
    evict: (pod, given) => patiently(() => api.evict(pod, within(given)), ofEvictions, given?.signal),
    proxyPod: (pod, path, given) => api.proxyPod(pod, path, within(given)),
    raw: (path, given) => api.raw(path, within(given)),
  };
}

/** The object, or undefined when it does not exist (or its kind does not). */
export async function find<T>(api: KubeApi, resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> {
  return unlessNotFound(() => api.get(resource, ref));
}

/** The answer, or undefined when the API says 404. */
export async function unlessNotFound<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof KubeError && error.code === 404) return undefined;
    throw error;
  }
}
