/**
 * Whether an API server serves: its process must be up and etcd must have a quorum. The processes themselves report
 * here (see control-plane.ts); nothing else decides it.
 */
import type { SimulatedTime } from '../world.ts';

export class ApiHealth {
  readonly #time: SimulatedTime;
  /** Control planes that are members of the etcd cluster, up or not. */
  readonly #members = new Set<string>();
  readonly #etcd = new Set<string>();
  readonly #servers = new Set<string>();
  readonly #hooks: (() => void)[] = [];
  readonly #downHooks: (() => void)[] = [];
  #was = false;

  constructor(time: SimulatedTime) {
    this.#time = time;
  }

  /** Does at least one API server serve? */
  available(): boolean {
    return this.#servers.size > 0 && this.#quorum();
  }

  /** Does the API server of this control plane serve? */
  serves(node: string): boolean {
    return this.#servers.has(node) && this.#quorum();
  }

  etcd(node: string, up: boolean): void {
    if (up) {
      this.#members.add(node);
      this.#etcd.add(node);
    } else this.#etcd.delete(node);
    this.#changed();
  }

  server(node: string, up: boolean): void {
    if (up) this.#servers.add(node);
    else this.#servers.delete(node);
    this.#changed();
  }

  /** Calls the hook, from a timer, whenever an API server serves again after none did. */
  onUp(hook: () => void): void {
    this.#hooks.push(hook);
  }

  /** Calls the hook at the moment at which the last API server stops to serve. */
  onDown(hook: () => void): void {
    this.#downHooks.push(hook);
  }

  /** Control planes whose API server serves, by name. */
  serving(): string[] {
    return this.#quorum() ? [...this.#servers].sort() : [];
  }

  #quorum(): boolean {
    return this.#etcd.size * 2 > this.#members.size;
  }

  #changed(): void {
    const now = this.available();
    if (now && !this.#was) {
      this.#time.after(0, () => {
        for (const hook of this.#hooks) hook();
      });
    }
    const lost = this.#was && !now;
    this.#was = now;
    if (lost) for (const hook of this.#downHooks) hook();
  }
}
