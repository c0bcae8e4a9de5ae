/**
 * goldpinger's two gauges as the lab reads them at the NodePorts: one random pod's own view, up to two intervals old.
 * Reported, never judged. A gauge that does not exist (first interval after a start) is null, never 0.
 */

export interface HealthGauges {
  readonly healthy: number | null;
  readonly unhealthy: number | null;
}

const SAMPLE = /^goldpinger_nodes_health_total\{([^}]*)\} (\S+)/gm;

/** Reads `goldpinger_nodes_health_total` out of a Prometheus text. */
export function parseHealthGauges(text: string): HealthGauges {
  const seen: { healthy: number | null; unhealthy: number | null } = { healthy: null, unhealthy: null };
  for (const [, labels = '', value = ''] of text.matchAll(SAMPLE)) {
    const status = /(?:^|,)status="(healthy|unhealthy)"/.exec(labels)?.[1];
    const count = Number(value);
    if ((status === 'healthy' || status === 'unhealthy') && Number.isFinite(count)) seen[status] = count;
  }
  return seen;
}
