/** One reading of a probe at its NodePort, as the lab does it with curl and grep. */
import type { Host } from '../host/host.ts';
import { type HealthGauges, parseHealthGauges } from './metrics.ts';

export interface NodePortReading extends HealthGauges {
  /** '' when the port answered. */
  readonly error: string;
}

const TIMEOUT_S = 5;

/** GETs `/metrics` at `address:port` from `node`'s host; kube-proxy hands it to one random pod. */
export async function readNodePort(
  host: Host,
  node: string,
  address: string,
  port: number,
  signal?: AbortSignal,
): Promise<NodePortReading> {
  const none = (error: string): NodePortReading => ({ healthy: null, unhealthy: null, error });
  const url = `http://${address}:${port}/metrics`;
  const curl = ['curl', '--silent', '--show-error', '--noproxy', '*', '--max-time', String(TIMEOUT_S), url];
  try {
    const result = await host.run('docker', ['exec', node, ...curl], {
      timeoutMs: (TIMEOUT_S + 5) * 1_000,
      ...(signal ? { signal } : {}),
    });
    if (result.exitCode !== 0) return none(result.stderr.trim() || `curl ended with ${result.exitCode}`);
    return { ...parseHealthGauges(result.stdout), error: '' };
  } catch (error) {
    signal?.throwIfAborted();
    return none(error instanceof Error ? error.message : String(error));
  }
}
