/** What goldpinger reads from its environment and arguments (pkg/goldpinger/config.go, v3.10.2). */

export interface Settings {
  /** Port that it listens on and pings; 0 when it would be drawn at random. */
  readonly port: number;
  /** False for the default `localhost`: then no other pod reaches it. */
  readonly reachable: boolean;
  /** Milliseconds; 0 or less: no pinging at all. */
  readonly refreshMs: number;
  readonly jitter: number;
  readonly pingTimeoutMs: number;
  readonly checkTimeoutMs: number;
  /** '' means all namespaces. */
  readonly namespace: string;
  readonly labelSelector: string;
  /** Value of the metric label goldpinger_instance. */
  readonly instance: string;
  readonly hostsToResolve: readonly string[];
  readonly tcpTargets: readonly string[];
  readonly targetTimeoutMs: number;
}

/** A setting that the twin does not model; the container ends and says so. */
export class NotModelled extends Error {}

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, us: 0.001, ns: 0.000_001 };

/** Go's duration text, such as `300ms`, `1m30s`, in milliseconds. */
export function goDuration(text: string): number | undefined {
  let total = 0;
  let rest = text;
  while (rest !== '') {
    const part = /^(\d+(?:\.\d+)?)(ms|us|ns|s|m|h)/.exec(rest);
    if (part === null) return undefined;
    total += Number(part[1]) * UNITS[part[2]!]!;
    rest = rest.slice(part[0].length);
  }
  return text === '' ? undefined : total;
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '');

const UNMODELLED = ['USE_HOST_IP', 'DISPLAY_NODENAME', 'PING_NUMBER', 'HTTP_TARGETS', 'UDP_ENABLED', 'IP_VERSIONS'];
const HARMLESS: Record<string, readonly string[]> = {
  USE_HOST_IP: ['', 'false'],
  DISPLAY_NODENAME: ['', 'false'],
  PING_NUMBER: ['', '0'],
  HTTP_TARGETS: [''],
  UDP_ENABLED: ['', 'false'],
  IP_VERSIONS: ['', '4'],
};

/** @throws NotModelled naming the setting. */
export function readSettings(
  env: ReadonlyMap<string, string>,
  args: readonly string[],
  ownNamespace: string,
): Settings {
  for (const name of UNMODELLED) {
    if (!HARMLESS[name]!.includes(env.get(name) ?? '')) throw new NotModelled(`${name}=${env.get(name)} of goldpinger`);
  }
  const flag = (name: string): string | undefined =>
    args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const duration = (name: string, fallback: number): number => goDuration(env.get(name) ?? '') ?? fallback;
  const host = flag('host') ?? env.get('HOST') ?? 'localhost';
  return {
    port: Number(flag('port') ?? env.get('PORT') ?? 0),
    reachable: host === '0.0.0.0' || host === '' || host === '::',
    refreshMs: Number(env.get('REFRESH_INTERVAL') ?? 30) * 1000,
    jitter: Math.max(0, Number(env.get('JITTER_FACTOR') ?? 0.05)),
    pingTimeoutMs: duration('PING_TIMEOUT', 300),
    checkTimeoutMs: duration('CHECK_TIMEOUT', 1_000),
    namespace: env.get('NAMESPACE') ?? ownNamespace,
    labelSelector: env.get('LABEL_SELECTOR') ?? 'app=goldpinger',
    instance: env.get('HOSTNAME') ?? '',
    hostsToResolve: words(env.get('HOSTS_TO_RESOLVE')),
    tcpTargets: words(env.get('TCP_TARGETS')),
    targetTimeoutMs: duration('TCP_TARGETS_TIMEOUT', 500),
  };
}
