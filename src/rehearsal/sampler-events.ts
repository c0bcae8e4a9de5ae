/** The sampler's events: a probe's set when it changed, a reading when it differs from the one before. */
import type { Emit, Probe } from '../events/events.ts';
import type { PeerPing } from '../probe/check.ts';
import type { Instance } from '../probe/instances.ts';
import { probePod } from './gate/result.ts';

export class SamplerEvents {
  readonly #emit: Emit;
  readonly #sets = new Map<Probe, string>();
  /** What was last told of an instance, by uid; nothing told means "all good". */
  readonly #told = new Map<string, string>();

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  pods(probe: Probe, instances: readonly Instance[]): void {
    const pods = instances.map(probePod);
    const key = JSON.stringify(pods);
    if (this.#sets.get(probe) === key) return;
    this.#sets.set(probe, key);
    const uids = new Set(instances.map((instance) => instance.uid));
    for (const uid of [...this.#told.keys()])
      if (uid.startsWith(`${probe}/`) && !uids.has(uid.slice(probe.length + 1))) this.#told.delete(uid);
    this.#emit({ type: 'pods', probe, pods });
  }

  /** `expected`: instances of this probe by pod name; entries of others are ghosts and not told. */
  read(probe: Probe, from: Instance, pings: readonly PeerPing[], expected: ReadonlyMap<string, Instance>): void {
    const bad = pings.some((ping) => !ping.ok)
      ? pings.filter((ping) => !ping.ok && isCurrent(ping, expected.get(ping.to)))
      : [];
    const key = bad.map((ping) => `${ping.to} ${ping.error}`).join('\n');
    if (!this.#changed(probe, from, key)) return;
    this.#emit({
      type: 'sample',
      probe,
      from: from.pod,
      good: pings.filter((ping) => ping.ok && expected.has(ping.to)).length,
      bad: bad.map(({ to, error, at }) => ({ to, error, pingTime: new Date(at).toISOString() })),
    });
  }

  unreadable(probe: Probe, from: Instance, error: string): void {
    if (!this.#changed(probe, from, `? ${error}`)) return;
    this.#emit({ type: 'sample', probe, from: from.pod, good: 0, bad: [], unreadable: error });
  }

  #changed(probe: Probe, from: Instance, key: string): boolean {
    const id = `${probe}/${from.uid}`;
    if ((this.#told.get(id) ?? '') === key) return false;
    this.#told.set(id, key);
    return true;
  }
}

function isCurrent(ping: PeerPing, target: Instance | undefined): boolean {
  return target !== undefined && (ping.ip === '' || ping.ip === target.ip);
}
