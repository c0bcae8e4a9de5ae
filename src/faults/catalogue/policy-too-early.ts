/** Cilium enforces policies while some pods are still Calico's: neither CNI knows the other's pods. */
import type { Fault } from '../fault.ts';
import { calicoToCilium, ciliumToCalico, ownPolicies, withProbePolicy } from '../probe-policy.ts';
import { withValues } from '../with-values.ts';

export const policyTooEarly: Fault = {
  name: 'policy-too-early',
  kind: 'configuration',
  summary: 'Cilium enforces policies from the start, and a policy selects the probes by label.',
  ends: '`failed` at the first `switched/*`: all pairs between the CNIs, in both directions',
  mechanism:
    "policyEnforcementMode is default and a NetworkPolicy admits pods by podSelector. Calls of the other CNI's pods arrive with a node's address, which no podSelector matches: both mixed directions are dropped without an answer.",
  source: 'recording: 10 of 10 pairs fail in both mixed directions with one worker switched; none without a policy',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: 'policy-across-cnis',
  unfit: ownPolicies,
  change: (scenario) => withProbePolicy(withValues(scenario, { policyEnforcementMode: 'default' })),
  expected: ({ checkpoints }) => ({
    outcome: `failed:${checkpoints.find((id) => id.startsWith('switched/'))!}`,
    blame: {
      reasons: ['pairs-unhealthy'],
      pairs: (pair) => ciliumToCalico.pair(pair) || calicoToCilium.pair(pair),
      kindsOfPairs: [ciliumToCalico, calicoToCilium],
    },
  }),
};
