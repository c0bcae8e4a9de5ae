/** A NetworkPolicy that the scenario brings: the probes take calls of each other only, told by their labels. */
import { stringify } from 'yaml';
import type { Scenario } from '../scenario/scenario.ts';
import type { Blame } from './fault.ts';

const FILE = 'rehearsal-fault-policy.yaml';

/** Labels as in probe/manifests.ts; `servicepinger` is let alone, so that what fails is pairs. */
const PROBES = { matchExpressions: [{ key: 'app', operator: 'In', values: ['nodepinger', 'goldpinger'] }] };

export function withProbePolicy(scenario: Scenario): Scenario {
  const manifest = stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'probes-only', namespace: 'default' },
    spec: { podSelector: PROBES, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: PROBES }] }] },
  });
  return { ...scenario, workloads: [...scenario.workloads, { file: FILE, manifest }] };
}

type Pair = Parameters<NonNullable<Blame['pairs']>>[0];

const between =
  (from: string, to: string) =>
  (pair: Pair): boolean =>
    pair.from.cni === from && pair.to.cni === to;

export const ciliumToCalico = { what: 'Cilium → Calico', pair: between('cilium', 'calico') };
export const calicoToCilium = { what: 'Calico → Cilium', pair: between('calico', 'cilium') };
