/**
 * The body of goldpinger's `/check`: the cached last result of every peer that this instance knows, and the live
 * results of its own external probes. Strict, because a body that was misread would look like "no bad peers".
 */

/** One peer's last ping as a source reports it. */
export interface PeerPing {
  /** Name of the peer's pod. */
  readonly to: string;
  /** Address that was pinged; '' when the peer had none. */
  readonly ip: string;
  readonly ok: boolean;
  /** Start of the ping by the source's clock, milliseconds since the epoch. */
  readonly at: number;
  /** goldpinger's text; '' when the ping was good. */
  readonly error: string;
}

/** Result of one external probe (DNS name or TCP target), run while `/check` was answered. */
export interface TargetProbe {
  readonly target: string;
  readonly protocol: string;
  /** '' when it worked. */
  readonly error: string;
}

export interface CheckBody {
  /** Empty for an instance that knows no peer: just started, or blind to the API (its list failed). Never a success. */
  readonly pings: readonly PeerPing[];
  readonly targets: readonly TargetProbe[];
}

/** goldpinger made no call because the peer's pod had no address: says nothing of the network. */
export function saysNothing(ping: PeerPing): boolean {
  return !ping.ok && ping.error.startsWith('Host or pod IP empty');
}

/** The answer of an instance is not a `/check` body. */
export class MalformedCheck extends Error {
  override readonly name = 'MalformedCheck';
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedCheck(`${what} is not an object`);
  }
  return value as Fields;
}

function text(value: unknown, what: string): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') throw new MalformedCheck(`${what} is not a text`);
  return value;
}

/** @throws MalformedCheck */
export function parseCheck(body: string): CheckBody {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new MalformedCheck('not JSON');
  }
  const top = fields(parsed, 'the body');
  for (const key of Object.keys(top)) {
    // Anything else (a Status of the API server, an HTML page) must not pass as an instance without peers.
    if (key !== 'podResults' && key !== 'probeResults') throw new MalformedCheck(`unexpected key ${key}`);
  }
  return { pings: pings(top.podResults), targets: targets(top.probeResults) };
}

function pings(value: unknown): PeerPing[] {
  if (value === undefined) return [];
  const results = fields(value, 'podResults');
  const list: PeerPing[] = [];
  for (const to of Object.keys(results)) {
    const entry = fields(results[to], `podResults.${to}`);
    if (typeof entry.OK !== 'boolean') throw new MalformedCheck(`podResults.${to}.OK is not a boolean`);
    if (typeof entry.PingTime !== 'string') throw new MalformedCheck(`podResults.${to}.PingTime is missing`);
    const at = pingTime(entry.PingTime);
    if (Number.isNaN(at)) throw new MalformedCheck(`podResults.${to}.PingTime is not a time`);
    const error = text(entry.error, `podResults.${to}.error`);
    const ip = text(entry.PodIP, `podResults.${to}.PodIP`);
    list.push({ to, ip, ok: entry.OK, at, error: entry.OK ? '' : error || 'failed without a message' });
  }
  return list;
}

function targets(value: unknown): TargetProbe[] {
  if (value === undefined) return [];
  const results = fields(value, 'probeResults');
  return Object.keys(results).flatMap((target) => {
    const list = results[target];
    if (!Array.isArray(list)) throw new MalformedCheck(`probeResults.${target} is not a list`);
    return list.map((item: unknown) => {
      const entry = fields(item, `probeResults.${target}`);
      return {
        target,
        protocol: text(entry.protocol, 'protocol'),
        error: text(entry.error, 'error'),
      };
    });
  });
}

let minute = '';
let minuteMs = 0;
const digit = (code: number): number => code - 48;

/**
 * `2026-01-15T10:06:13.244Z` in milliseconds. Every reading carries one per peer, within the same minute or two, so the
 * minute is parsed once (measured: an eighth of the time of Date.parse).
 */
function pingTime(value: string): number {
  if (value.length !== 24 || value.charCodeAt(23) !== 90) return Date.parse(value);
  const prefix = value.slice(0, 17);
  if (prefix !== minute) {
    const parsed = Date.parse(`${prefix}00.000Z`);
    if (Number.isNaN(parsed)) return Number.NaN;
    minute = prefix;
    minuteMs = parsed;
  }
  const c = (i: number): number => digit(value.charCodeAt(i));
  if (value[19] !== '.') return Date.parse(value);
  for (const i of [17, 18, 20, 21, 22]) {
    const d = c(i);
    if (d < 0 || d > 9) return Number.NaN;
  }
  return minuteMs + (c(17) * 10 + c(18)) * 1_000 + c(20) * 100 + c(21) * 10 + c(22);
}
