/**
 * A recorded timeline as the gate's instrument: its readings become goldpinger's answers, fed into the same matrices that
 * the sampler feeds. The rules by which an answer is rebuilt are in test/fixtures/timelines/README.md.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { EventBody, Probe } from '../../../src/events/events.ts';
import { cniByAddress } from '../../../src/probe/addresses.ts';
import type { PeerPing } from '../../../src/probe/check.ts';
import type { Instance } from '../../../src/probe/instances.ts';
import { PairMatrix } from '../../../src/probe/matrix.ts';
import type { Instrument, View } from '../../../src/rehearsal/gate/view.ts';

interface RecordedPod {
  readonly name: string;
  readonly node: string;
  readonly ip: string | null;
  readonly ph: string;
  readonly del: boolean;
  readonly rdy: boolean;
}

interface Bad {
  readonly dst: string;
  readonly ip: string | null;
  readonly err: string;
  readonly pt: string;
}

export interface Line {
  readonly t: number;
  readonly step?: string;
  readonly api?: 'up' | 'down';
  readonly err?: string;
  readonly pods?: readonly RecordedPod[];
  readonly src?: string;
  readonly ip?: string;
  readonly ok?: number;
  readonly bad?: readonly Bad[];
  readonly ask?: string;
}

/** The recording is over: the gate has not decided. */
export class EndOfRecording extends Error {
  override readonly name = 'EndOfRecording';
}

const SECOND = 1_000;
/** REFRESH_INTERVAL of the recorded probes. */
const INTERVAL = 2 * SECOND;
const PROBES: readonly Probe[] = ['nodepinger', 'goldpinger'];
const NODES = ['kind-control-plane', 'kind-worker', 'kind-worker2'];

export function readTimeline(name: string): Line[] {
  const file = fileURLToPath(new URL(`../../fixtures/timelines/${name}.ndjson`, import.meta.url));
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Line).sort((a, b) => a.t - b.t);
}

/** When the nth step whose text starts so was recorded, milliseconds since the epoch. */
export function momentOf(lines: readonly Line[], step: string, nth = 0): number {
  const found = lines.filter((line) => line.step?.startsWith(step))[nth];
  if (!found) throw new Error(`no step ${step}`);
  return Math.round(found.t * SECOND);
}

export class Replay implements Instrument {
  readonly events: EventBody[] = [];
  readonly #lines: readonly Line[];
  readonly #matrices: Record<Probe, PairMatrix>;
  readonly #cniOf: (ip: string) => Instance['cni'];
  readonly #last = new Map<string, Line>();
  readonly #since = new Map<string, number>();
  readonly #blind = new Map<string, number>();
  readonly #replicas: number;
  #pods: readonly RecordedPod[] = [];
  #next = 0;
  #now: number;
  #downSince: number | undefined;
  settledCalls = 0;

  constructor(lines: readonly Line[], options: { ciliumPool?: readonly string[]; replicas?: number } = {}) {
    this.#lines = lines;
    this.#replicas = options.replicas ?? 0;
    this.#cniOf = cniByAddress(['192.168.0.0/16'], options.ciliumPool ?? ['10.244.0.0/16']);
    this.#now = Math.round((lines[0]?.t ?? 0) * SECOND);
    const rules = { freshSamples: 3, failuresToFail: 2, staleAfterMs: 3 * INTERVAL + 3 * SECOND, sampledPeers: null };
    this.#matrices = { nodepinger: new PairMatrix(rules), goldpinger: new PairMatrix(rules) };
  }

  /** Plays on to a moment, as the sampler goes on while phases work. */
  advanceTo(moment: number): void {
    while (this.#now < moment) this.#tick();
  }

  async sweep(): Promise<void> {
    this.#tick();
    this.#tick();
  }

  view(since: number): View {
    const now = this.#now;
    const judged = PROBES.flatMap((probe) => this.#expected(probe));
    return {
      now,
      monotonic: now,
      apiDownMs: this.#downSince === undefined ? null : now - this.#downSince,
      longestOutageMs: 0,
      apiError: 'recorded as down',
      nodes: NODES.map((name) => ({ name, schedulable: true })),
      probes: PROBES.map((name) => ({
        name,
        mesh: 'full' as const,
        instances: this.#expected(name),
        judgement: this.#matrices[name].judge(now, since),
      })),
      blind: judged.flatMap((instance) => {
        const ms = this.#blind.get(instance.pod);
        return ms === undefined ? [] : [{ instance, ms, error: this.#last.get(instance.pod)?.ask ?? '' }];
      }),
      replicas: this.#replicas,
      access: { proxy: judged.length, fallback: 0, notAskable: 0 },
      pings: PROBES.reduce((sum, probe) => sum + this.#matrices[probe].pings, 0),
      longestUnexpected: null,
    };
  }

  settled(): void {
    this.settledCalls++;
  }

  #tick(): void {
    if (this.#next >= this.#lines.length) throw new EndOfRecording();
    this.#now += SECOND;
    const fresh = new Set<string>();
    for (; this.#next < this.#lines.length && this.#lines[this.#next]!.t * SECOND <= this.#now; this.#next++) {
      const line = this.#lines[this.#next]!;
      if (line.api) this.#downSince = line.api === 'down' ? line.t * SECOND : undefined;
      if (line.pods) this.#take(line.pods);
      if (line.src) {
        this.#last.set(line.src, line);
        fresh.add(line.src);
        this.#feed(line.src, line);
      }
    }
    if (this.#downSince !== undefined) return;
    for (const [src, line] of this.#last) {
      // Left out: it repeats the one before, while the source could be asked.
      if (!fresh.has(src)) this.#feed(src, line);
      const instance = this.#byName(src);
      if (instance?.ready && line.ask !== undefined) this.#blind.set(src, (this.#blind.get(src) ?? -SECOND) + SECOND);
      else this.#blind.delete(src);
    }
  }

  #take(pods: readonly RecordedPod[]): void {
    this.#pods = pods;
    for (const { name, ip } of pods) {
      const key = `${name} ${ip}`;
      if (!this.#since.has(key)) this.#since.set(key, this.#now);
    }
    for (const probe of PROBES) this.#matrices[probe].expect(this.#expected(probe));
  }

  #expected(probe: Probe): Instance[] {
    return this.#pods
      .filter((pod) => pod.name.startsWith(probe) && !pod.del && pod.ph !== 'Failed' && pod.ph !== 'Succeeded')
      .filter((pod) => (pod.node ?? '') !== '')
      .map((pod) => ({
        probe,
        uid: pod.name,
        pod: pod.name,
        node: pod.node,
        ip: pod.ip ?? '',
        cni: pod.ip ? this.#cniOf(pod.ip) : ('unknown' as const),
        ready: pod.rdy,
        unready: pod.rdy ? '' : 'recorded as not Ready',
      }));
  }

  #byName(name: string): Instance | undefined {
    return PROBES.flatMap((probe) => this.#expected(probe)).find((instance) => instance.pod === name);
  }

  #feed(src: string, line: Line): void {
    const probe = PROBES.find((name) => src.startsWith(name));
    const instance = this.#byName(src);
    if (!probe || !instance) return;
    if (line.ask !== undefined || line.ok === undefined || line.ip !== instance.ip) {
      this.#matrices[probe].unreadable(src, line.ask ?? 'not read since it has this address', this.#now);
      return;
    }
    this.#matrices[probe].read(src, this.#answer(probe, src, line), this.#now);
  }

  /** The `/check` answer that a reading stands for. */
  #answer(probe: Probe, src: string, line: Line): PeerPing[] {
    const bad = (line.bad ?? []).map(
      ({ dst, ip, err, pt }): PeerPing => ({ to: dst, ip: ip ?? '', ok: false, at: Date.parse(pt), error: err }),
    );
    const group = this.#pods.filter((pod) => pod.name.startsWith(probe) && pod.ph === 'Running');
    const names = new Set(group.map((pod) => pod.name));
    const badHere = bad.filter((ping) => names.has(ping.to)).length;
    if ((line.ok ?? 0) + badHere !== group.length) return bad;
    const failing = new Set(bad.map((ping) => ping.to));
    const good = group.flatMap((pod): PeerPing[] => {
      const known = this.#since.get(`${pod.name} ${pod.ip}`) ?? this.#now;
      // A source lists every 2 s: before that, the count is of the group as it was.
      if (failing.has(pod.name) || !pod.ip || this.#now - known < INTERVAL) return [];
      return [{ to: pod.name, ip: pod.ip, ok: true, at: pingedBefore(this.#now, `${src}>${pod.name}`), error: '' }];
    });
    return [...good, ...bad];
  }
}

/** The last moment of the pair's own 2 s rhythm: within 2 s before the reading. */
function pingedBefore(now: number, pair: string): number {
  let phase = 0;
  for (const char of pair) phase = (phase * 31 + char.charCodeAt(0)) % INTERVAL;
  return now - ((now - phase) % INTERVAL);
}
