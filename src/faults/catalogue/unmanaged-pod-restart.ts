/** Cilium's operator restarts CoreDNS for ever, because no pod is managed by Cilium yet. */
import type { Fault } from '../fault.ts';
import { withValues } from '../with-values.ts';

export const unmanagedPodRestart: Fault = {
  name: 'unmanaged-pod-restart',
  kind: 'configuration',
  summary: "Cilium's operator restarts unmanaged CoreDNS pods from the start.",
  ends: '`failed:secondary-installed` by `dns-and-api`; no pair fails',
  mechanism:
    'operator.unmanagedPodWatcher.restart is true while Calico still serves: one CoreDNS pod without a CiliumEndpoint is deleted every 15 to 30 s, and its replacement again. DNS mostly answers; only the uids of the pods show it.',
  source:
    'recording: deletions 35, 48, 78, 94, 109, … s after install; cilium operator/watchers/pod.go (no slowing by new names)',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: 'unmanaged-pod-restart',
  change: (scenario) => withValues(scenario, { operator: { unmanagedPodWatcher: { restart: true } } }),
  expected: () => ({
    outcome: 'failed:secondary-installed',
    blame: { reasons: ['assertion-failed'], assertions: ['dns-and-api'], names: ['coredns'], noPairs: true },
  }),
};
