/** The probes that each `/check` runs live: names to resolve and TCP targets (probes.go, v3.10.2). */
import type { Service } from '../../../kube/objects.ts';
import type { World } from '../../world.ts';

export interface ProbeResult {
  readonly error?: string;
  readonly protocol: 'dns' | 'tcp';
  readonly 'response-time-ms'?: number;
}

const DNS_TIMEOUT_MS = 500;

const withTime = (ms: number): { 'response-time-ms'?: number } =>
  Math.round(ms) > 0 ? { 'response-time-ms': Math.round(ms) } : {};

/** Does the cluster's zone hold the name? Only Services are modelled. */
function known(world: World, name: string): boolean {
  const labels = name.replace(/\.$/, '').split('.');
  const [service, namespace, kind] = labels;
  if (kind !== 'svc' || labels.slice(3).join('.') !== 'cluster.local') return false;
  return world.store.get<Service>('services', service ?? '', namespace ?? '') !== undefined;
}

/** A query to the kube-dns Service; UDP takes the same way as TCP in the twin. */
function resolve(world: World, podUid: string, name: string): ProbeResult {
  const server = world.store.get<Service>('services', 'kube-dns', 'kube-system')?.spec?.clusterIP ?? '';
  const outcome = world.network.connect({ podUid }, { ip: server, port: 53 });
  const lookup = `lookup ${name} on ${server}:53`;
  if (!outcome.ok) {
    const refused = outcome.failure !== 'timeout';
    const error = refused ? `${lookup}: read udp: ${outcome.errno}` : `lookup ${name}: i/o timeout`;
    return { error, protocol: 'dns', ...withTime(refused ? 0 : DNS_TIMEOUT_MS) };
  }
  if (!known(world, name)) return { error: `${lookup}: no such host`, protocol: 'dns' };
  return { protocol: 'dns', ...withTime(outcome.milliseconds) };
}

function dial(world: World, podUid: string, target: string, timeoutMs: number): ProbeResult {
  const colon = target.lastIndexOf(':');
  const [ip, port] = [target.slice(0, colon), Number(target.slice(colon + 1))];
  const outcome = world.network.connect({ podUid }, { ip, port });
  if (outcome.ok) return { protocol: 'tcp', ...withTime(outcome.milliseconds) };
  if (outcome.failure === 'timeout') {
    return { error: `dial tcp ${target}: i/o timeout`, protocol: 'tcp', ...withTime(timeoutMs) };
  }
  return { error: `dial tcp ${target}: connect: ${outcome.errno}`, protocol: 'tcp' };
}

/** Results by target; undefined when there is nothing to probe. */
export function runProbes(
  world: World,
  podUid: string,
  names: readonly string[],
  targets: readonly string[],
  timeoutMs: number,
): Record<string, ProbeResult[]> | undefined {
  const results: Record<string, ProbeResult[]> = {};
  for (const name of names) results[name] = [resolve(world, podUid, name)];
  for (const target of targets) results[target] = [dial(world, podUid, target, timeoutMs)];
  return Object.keys(results).length === 0 ? undefined : results;
}
