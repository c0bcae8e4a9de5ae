/** Goldpinger's answers in its own shapes: sorted map keys, fields in the order of its Go structs, empty ones left out (pkg/models, v3.10.2). */
import type { ProbeResult } from './external-probes.ts';
import type { Instance, PingResult } from './instance.ts';
import type { Member } from './mesh.ts';

/** date-time of go-openapi/strfmt: milliseconds, UTC. */
export function dateTime(ms: number): string {
  const whole = Math.floor(ms);
  const second = Math.floor(whole / 1_000);
  let text = SECONDS.get(second);
  if (text === undefined) {
    text = new Date(second * 1_000).toISOString().slice(0, 20);
    if (SECONDS.size > 256) SECONDS.clear();
    SECONDS.set(second, text);
  }
  return `${text}${String(whole - second * 1_000).padStart(3, '0')}Z`;
}

/** Texts of seconds: the results of an answer are of the same few; making them anew for each was a tenth of a run. */
const SECONDS = new Map<number, string>();

/** One line of JSON and a newline. */
export const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** A map with sorted keys, or undefined when it is empty (omitempty). */
export function sortedMap<T>(entries: readonly (readonly [string, T])[]): Record<string, T> | undefined {
  if (entries.length === 0) return undefined;
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export interface PodResult {
  HostIP?: string;
  OK: boolean;
  PingTime: string;
  PodIP?: string;
  error?: string;
  response?: { boot_time?: string };
  'response-time-ms'?: number;
  'status-code': number;
}

export interface CheckResults {
  podResults?: Record<string, PodResult>;
  probeResults?: Record<string, ProbeResult[]>;
}

/**
 * The line of `/check`: a {@link CheckResults} written out field by field. It is read thousands of times in a run, and
 * building objects only to print them was a tenth of it. Names and addresses need no escaping (RFC 1123), error texts do.
 * `results` are sorted by name.
 */
export function checkText(results: readonly PingResult[], probes: Record<string, ProbeResult[]> | undefined): string {
  const probed = sortedMap(Object.entries(probes ?? {}));
  if (results.length === 0) return line(probed === undefined ? {} : { probeResults: probed });
  const pods = results.map(({ peer, pingTime, verdict, status }) => {
    const elapsed = Math.floor(verdict.ms);
    const boot = verdict.bootTime === undefined ? '{}' : `{"boot_time":"${dateTime(verdict.bootTime)}"}`;
    return (
      `"${peer.name}":{${peer.hostIp === '' ? '' : `"HostIP":"${peer.hostIp}",`}"OK":${verdict.ok},` +
      `"PingTime":"${dateTime(pingTime)}",${peer.podIp === '' ? '' : `"PodIP":"${peer.podIp}",`}` +
      `${verdict.error === '' ? '' : `"error":${JSON.stringify(verdict.error)},`}${verdict.ok ? `"response":${boot},` : ''}` +
      `${elapsed > 0 ? `"response-time-ms":${elapsed},` : ''}"status-code":${status}}`
    );
  });
  const tail = probed === undefined ? '' : `,"probeResults":${JSON.stringify(probed)}`;
  return `{"podResults":{${pods.join(',')}}${tail}}\n`;
}

/** The counters and gauges of section 2 of the facts; histograms are not modelled. */
export function metrics(name: string, instance: Instance, member: Member): string {
  const { counters } = instance;
  const label = `goldpinger_instance="${name}"`;
  const text: string[] = [];
  const family = (
    metric: string,
    type: string,
    help: string,
    samples: readonly (readonly [string, number])[],
  ): void => {
    const present = samples.filter(([, value]) => value > 0 || type === 'gauge');
    if (present.length === 0) return;
    text.push(`# HELP ${metric} ${help}`, `# TYPE ${metric} ${type}`);
    for (const [labels, value] of present) text.push(`${metric}{${labels}} ${value}`);
  };
  const gauge = instance.gauge();
  if (gauge !== undefined) {
    family('goldpinger_cluster_health_total', 'gauge', '1 if all check pass, 0 otherwise', [
      [label, gauge.unhealthy === 0 ? 1 : 0],
    ]);
  }
  family('goldpinger_errors_total', 'counter', 'Statistics of errors per instance', [
    [`${label},type="kubernetes_api"`, counters.listErrors],
    [`${label},type="ping"`, counters.pingErrors],
  ]);
  if (gauge !== undefined) {
    family(
      'goldpinger_nodes_health_total',
      'gauge',
      "Number of nodes seen as healthy/unhealthy from this instance's POV",
      [
        [`${label},status="healthy"`, gauge.healthy],
        [`${label},status="unhealthy"`, gauge.unhealthy],
      ],
    );
  }
  const { received } = member;
  const stat = (action: string, group: string): string => `action="${action}",${label},group="${group}"`;
  family('goldpinger_stats_total', 'counter', 'Statistics of calls made in goldpinger instances', [
    [stat('check', 'received'), received.check],
    [stat('check_all', 'received'), received.checkAll],
    [stat('cluster_health', 'received'), received.clusterHealth],
    [stat('healthz', 'received'), received.healthz],
    [stat('ping', 'made'), counters.pingsMade],
    [stat('ping', 'received'), received.ping],
  ]);
  return `${text.join('\n')}\n`;
}
