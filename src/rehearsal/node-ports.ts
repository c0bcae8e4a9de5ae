/**
 * Reads the probes' NodePorts as the walk-through does: one random pod's gauges, at the first control plane's address
 * (where Docker's port mapping leads to).
 * Reported, never judged: such a gauge is old, and absent for the first interval.
 */
import { NODE_PORTS } from '../cni/kind-config.ts';
import { parseHealthGauges } from '../probe/metrics.ts';
import type { Rehearsal } from './rehearsal.ts';

const SECONDS = 5;

export async function readNodePorts(rehearsal: Rehearsal, moment: 'baseline' | 'final'): Promise<void> {
  const { plan, commands, emit } = rehearsal;
  const first = plan.nodes.filter(({ role }) => role === 'control-plane').find(({ name }) => /plane$/.test(name));
  const node = first?.name ?? plan.nodes.at(-1)!.name;
  const address = (await commands.container(node))?.addresses[0] ?? '127.0.0.1';
  for (const probe of ['nodepinger', 'goldpinger'] as const) {
    const port = NODE_PORTS[probe];
    const { body, error } = await commands.httpBody(node, `http://${address}:${port}/metrics`, SECONDS);
    const { healthy, unhealthy } = body === undefined ? { healthy: null, unhealthy: null } : parseHealthGauges(body);
    const why = body !== undefined && healthy === null ? 'the pod that answered has no gauge yet' : error;
    emit({ type: 'node-port', probe, moment, port, healthy, unhealthy, error: why });
  }
}
