/** A policy by labels in the recommended set-up: Calico still enforces it, and takes Cilium's pods for strangers. */
import type { Fault } from '../fault.ts';
import { ciliumToCalico, ownPolicies, withProbePolicy } from '../probe-policy.ts';
import { withValues } from '../with-values.ts';

export const policySelectors: Fault = {
  name: 'policy-selectors',
  kind: 'configuration',
  summary: 'A policy selects the probes by label; Cilium does not enforce, Calico does.',
  ends: '`failed` at the first `switched/*`: Cilium → Calico only',
  mechanism:
    "policyEnforcementMode is never, which spares only pods on Cilium. Calico goes on enforcing for its own and sees Cilium's pods as a node's address, because they are masqueraded: Cilium → Calico is dropped, the other direction works.",
  source: 'recording: 10 of 10 pairs Cilium → Calico fail, 10 of 10 pairs Calico → Cilium are good',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: 'policy-across-cnis',
  unfit: ownPolicies,
  change: (scenario) => withProbePolicy(withValues(scenario, { policyEnforcementMode: 'never' })),
  expected: ({ checkpoints }) => ({
    outcome: `failed:${checkpoints.find((id) => id.startsWith('switched/'))!}`,
    blame: { reasons: ['pairs-unhealthy'], pairs: ciliumToCalico.pair, kindsOfPairs: [ciliumToCalico] },
  }),
};
