/** Which objects are Calico's own policy objects, and which of them the operator made for itself. */
import type { KubeObject } from '../kube/objects.ts';
import { conform } from './conform.ts';
import type { ScenarioFacts, WorkloadObject } from './rule.ts';

/** As users write them (projectcalico.org/v3) and as Calico stores them. */
const GROUPS = /^(crd\.)?projectcalico\.org\//;
/** Tiers that Calico and its operator make (projectcalico/calico v3.29 to v3.32, tigera/operator v1.42.3). */
const OWN_TIERS: ReadonlySet<string> = new Set([
  'default',
  'kube-admin',
  'kube-baseline',
  'adminnetworkpolicy',
  'baselineadminnetworkpolicy',
  'calico-system',
  'allow-tigera',
]);

export function isCalicoObject({ apiVersion }: KubeObject): boolean {
  return GROUPS.test(apiVersion ?? '');
}

/** Does the object belong to the Tigera operator, or to a Calico controller? */
export function isOperatorOwned({ kind, metadata, spec }: KubeObject): boolean {
  const owners = conform(metadata.ownerReferences, [{ apiVersion: 'text' }]) as { apiVersion?: string }[] | undefined;
  if (owners?.some(({ apiVersion }) => apiVersion?.startsWith('operator.tigera.io/'))) return true;
  if (kind === 'Tier') return OWN_TIERS.has(metadata.name);
  if (metadata.labels?.['projectcalico.org/created-by'] === 'calico-kube-controllers') return true;
  const tier = (spec as { tier?: string } | null | undefined)?.tier;
  return tier === 'calico-system' || tier === 'allow-tigera' || /^(calico-system|allow-tigera)[.-]/.test(metadata.name);
}

/** An object with the name under which messages show it. */
export interface Placed {
  readonly object: KubeObject;
  readonly where: string;
}

/** The objects of a cluster, named `NetworkPolicy default/web`. */
export function placed(objects: readonly KubeObject[]): Placed[] {
  return objects.map((object) => {
    const { name, namespace } = object.metadata;
    const calicos = isCalicoObject(object) ? 'Calico ' : '';
    return { object, where: `${calicos}${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}` };
  });
}

/** Calico's objects among the workloads. */
export function calicoWorkloads({ workloads }: ScenarioFacts): readonly WorkloadObject[] {
  return workloads.filter(({ object }) => isCalicoObject(object));
}
