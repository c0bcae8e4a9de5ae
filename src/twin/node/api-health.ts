/**
 * Whether an API server serves: its process must be up, etcd must have a quorum, and connections must get through to its
 * port. The processes themselves report here (see control-plane.ts); the rules of the node are asked (api-reach.ts).
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
  readonly #admits: (node: string) => boolean;
  #was = false;

  /** `admits`: do the rules of this control plane let connections to its API server in? */
  constructor(time: SimulatedTime, admits: (node: string) => boolean = () => true) {
    this.#time = time;
    this.#admits = admits;
  }

  /** Does at least one API server serve, and can it be reached? */
  available(): boolean {
    return this.#servers.size > 0 && this.#quorum() && [...this.#servers].some((node) => this.#admits(node));
  }

  /** Does the API server of this control plane serve, as it says itself? */
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

  /** Control planes whose API server serves and can be reached, by name. */
  serving(): string[] {
    return this.#quorum() ? [...this.#servers].sort().filter((node) => this.#admits(node)) : [];
  }

  /** Somebody may have changed the rules in front of an API server: looks at once. */
  look(): void {
    this.#changed();
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
