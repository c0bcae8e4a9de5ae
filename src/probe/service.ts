/**
 * What servicepinger says: can every node's pod resolve the API's name and open its Service? Each `/check` runs both
 * probes live, so every reading is a sample of its own. Pure, as the matrix is.
 */
import type { TargetProbe } from './check.ts';
import type { Instance } from './instances.ts';

export interface ServiceState {
  readonly instance: Instance;
  readonly state: 'healthy' | 'unhealthy' | 'unknown';
  /** Why not healthy, for people. */
  readonly error: string;
}

export interface ServiceRules {
  readonly freshSamples: number;
  readonly failuresToFail: number;
  /** How many targets one answer must hold: the name and the Service. */
  readonly targets: number;
  readonly staleAfterMs: number;
}

interface Answer {
  readonly at: number;
  readonly error: string;
}

export class ServiceBook {
  readonly #rules: ServiceRules;
  #instances: readonly Instance[] = [];
  readonly #answers = new Map<string, Answer[]>();
  readonly #unreadable = new Map<string, string>();

  constructor(rules: ServiceRules) {
    this.#rules = rules;
  }

  /** The instances that are expected from now on. */
  expect(instances: readonly Instance[]): void {
    this.#instances = instances;
    const kept = new Set(instances.map((instance) => instance.uid));
    for (const uid of [...this.#answers.keys()]) if (!kept.has(uid)) this.#answers.delete(uid);
    for (const uid of [...this.#unreadable.keys()]) if (!kept.has(uid)) this.#unreadable.delete(uid);
  }

  read(uid: string, targets: readonly TargetProbe[], at: number): void {
    this.#unreadable.delete(uid);
    const bad = targets.filter((target) => target.error !== '');
    const error =
      bad.length > 0
        ? bad.map((target) => `${target.target}: ${target.error}`).join('; ')
        : targets.length < this.#rules.targets
          ? `answered for ${targets.length} of ${this.#rules.targets} targets`
          : '';
    const answers = this.#answers.get(uid) ?? [];
    answers.push({ at, error });
    if (answers.length > Math.max(this.#rules.freshSamples, this.#rules.failuresToFail)) answers.shift();
    this.#answers.set(uid, answers);
  }

  unreadable(uid: string, why: string): void {
    this.#unreadable.set(uid, why);
  }

  /** One state an instance, in the order of nodes. */
  judge(now: number, since: number): ServiceState[] {
    return [...this.#instances]
      .sort((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : 0))
      .map((instance) => ({ instance, ...this.#state(instance.uid, now, since) }));
  }

  #state(uid: string, now: number, since: number): Omit<ServiceState, 'instance'> {
    const why = this.#unreadable.get(uid);
    if (why !== undefined) return { state: 'unknown', error: why };
    const fresh = (this.#answers.get(uid) ?? []).filter((answer) => answer.at > since);
    const last = fresh.at(-1);
    if (!last || now - last.at > this.#rules.staleAfterMs) return { state: 'unknown', error: 'not asked yet' };
    const wanted = last.error === '' ? this.#rules.freshSamples : this.#rules.failuresToFail;
    const run = fresh.slice(-wanted);
    if (run.length < wanted || run.some((answer) => (answer.error === '') !== (last.error === ''))) {
      return { state: 'unknown', error: last.error || `only ${fresh.length} of ${wanted} answers yet` };
    }
    return last.error === '' ? { state: 'healthy', error: '' } : { state: 'unhealthy', error: last.error };
  }
}
