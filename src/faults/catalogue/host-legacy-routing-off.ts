/** Host routing by eBPF asked for where kube-proxy stays: Cilium ignores it, and so must we. */
import type { Fault } from '../fault.ts';
import { withValues } from '../with-values.ts';

export const hostLegacyRoutingOff: Fault = {
  name: 'host-legacy-routing-off',
  kind: 'configuration',
  summary: 'bpf.hostLegacyRouting is false without kube-proxy replacement.',
  ends: '`passed`: tolerated',
  mechanism:
    'Without kube-proxy replacement the agent forces legacy host routing, whatever the value says: nothing changes.',
  source: 'recording: `Routing: Network: Tunnel [vxlan] Host: Legacy`, all pairs good before and after a switch',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: null,
  change: (scenario) => withValues(scenario, { bpf: { hostLegacyRouting: false } }),
  expected: () => ({ outcome: 'passed' }),
};
