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

/**
 * Why a fault that lives on policies, or on Cilium's pool being a certain one, shows nothing of its own here; null: it does.
 * Policies add up: what the scenario's own admit stays admitted, and those that name the pool meet another one.
 */
export function ownPolicies({ workloads }: Scenario): string | null {
  const files = workloads.filter(({ manifest }) => /^kind: *["']?NetworkPolicy\b/m.test(manifest));
  if (files.length === 0) return null;
  return `the scenario brings policies of its own (${files.map(({ file }) => file).join(', ')}), which decide together with it`;
}

type Pair = Parameters<NonNullable<Blame['pairs']>>[0];

const between =
  (from: string, to: string) =>
  (pair: Pair): boolean =>
    pair.from.cni === from && pair.to.cni === to;

export const ciliumToCalico = { what: 'Cilium → Calico', pair: between('cilium', 'calico') };
export const calicoToCilium = { what: 'Calico → Cilium', pair: between('calico', 'cilium') };
