/**
 * A second, naive goldpinger: one timer for every ping, list and tick, judged when the timer fires. The lazy instance must
 * give the same answers. Times and random streams follow the same rules (goldpinger.md 3), everything else is written anew.
 */
import type { Random } from '../../../../src/time/random.ts';
import type { FakeTime } from '../../controllers/fake-world.ts';

export interface EagerPeer {
  readonly name: string;
  readonly ip: string;
  readonly host: string;
}

export interface EagerRules {
  readonly refresh: number;
  readonly jitter: number;
  ping(peer: EagerPeer): { ok: boolean; ms: number; error: string };
  api(): boolean;
  peers(): EagerPeer[];
  random(consumer: string): Random;
}

export interface EagerResult {
  pingTime: number;
  ok: boolean;
  error: string;
}

export class EagerGoldpinger {
  readonly results = new Map<string, EagerResult>();
  gauge: { healthy: number; unhealthy: number } | undefined;
  made = 0;
  errors = 0;
  #alive = new Map<string, { peer: EagerPeer; generation: number }>();
  #generation = 0;
  readonly #name: string;
  readonly #time: FakeTime;
  readonly #rules: EagerRules;
  readonly #stagger: Random;

  constructor(name: string, time: FakeTime, rules: EagerRules) {
    this.#name = name;
    this.#time = time;
    this.#rules = rules;
    this.#stagger = rules.random(`goldpinger/${name}/${time.now()}/stagger`);
    this.#tick();
    time.after(0, () => this.#list());
  }

  #tick(): void {
    this.#time.after(this.#rules.refresh, () => {
      const all = [...this.results.values()];
      const healthy = all.filter((one) => one.ok).length;
      this.gauge = { healthy, unhealthy: all.length - healthy };
      this.#tick();
    });
  }

  #list(): void {
    const now = this.#time.now();
    if (!this.#rules.api()) {
      this.#alive.clear();
      this.results.clear();
    } else {
      const listed = new Map(this.#rules.peers().map((peer) => [peer.name, peer]));
      for (const [name, { peer }] of this.#alive) {
        const seen = listed.get(name);
        if (seen?.ip === peer.ip && seen.host === peer.host) continue;
        this.#alive.delete(name);
        this.results.delete(name);
      }
      const fresh = [...listed.values()].filter((peer) => !this.#alive.has(peer.name));
      const order = this.#stagger.shuffle(fresh.sort((a, b) => (a.name < b.name ? -1 : 1)));
      order.forEach((peer, k) => {
        const generation = ++this.#generation;
        this.#alive.set(peer.name, { peer, generation });
        const random = this.#rules.random(`goldpinger/${this.#name}/${peer.name}/${now}`);
        this.#time.after(20 + Math.round((k * this.#rules.refresh) / order.length), () =>
          this.#ping(peer, generation, random),
        );
      });
    }
    this.#time.after(20 + this.#rules.refresh, () => this.#list());
  }

  #ping(peer: EagerPeer, generation: number, random: Random): void {
    if (this.#alive.get(peer.name)?.generation !== generation) return;
    const pingTime = this.#time.now();
    const { ok, ms, error } = this.#rules.ping(peer);
    this.made += 1;
    if (!ok) this.errors += 1;
    this.#time.after(ms, () => {
      if (this.#alive.get(peer.name)?.generation === generation) this.results.set(peer.name, { pingTime, ok, error });
    });
    const period = Math.round(this.#rules.refresh * (1 + random.next() * this.#rules.jitter));
    this.#time.after(period, () => this.#ping(peer, generation, random));
  }
}
