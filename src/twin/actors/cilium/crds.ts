/** The CRDs that the operator registers when it starts; the chart has none (cilium pkg/k8s/apis/cilium.io/client). */
import type { CustomResourceDefinition } from '../../../kube/objects.ts';
import { ciliumData } from '../../chart/data.ts';
import type { World } from '../../world.ts';
import { CRDS } from './objects.ts';

/** plural, kind, scope, versions, and in which minors; only names and versions are known of these. */
const PLAIN: readonly {
  plural: string;
  kind: string;
  namespaced?: boolean;
  versions: readonly string[];
  until?: number;
  since?: number;
}[] = [
  { plural: 'ciliumcidrgroups', kind: 'CiliumCIDRGroup', versions: ['v2alpha1'] },
  { plural: 'ciliumclusterwidenetworkpolicies', kind: 'CiliumClusterwideNetworkPolicy', versions: ['v2'] },
  { plural: 'ciliumexternalworkloads', kind: 'CiliumExternalWorkload', versions: ['v2'], until: 16 },
  { plural: 'ciliumidentities', kind: 'CiliumIdentity', versions: ['v2'] },
  { plural: 'ciliuml2announcementpolicies', kind: 'CiliumL2AnnouncementPolicy', versions: ['v2alpha1'] },
  { plural: 'ciliumloadbalancerippools', kind: 'CiliumLoadBalancerIPPool', versions: ['v2alpha1'] },
  { plural: 'ciliumnetworkpolicies', kind: 'CiliumNetworkPolicy', namespaced: true, versions: ['v2'] },
  { plural: 'ciliumpodippools', kind: 'CiliumPodIPPool', versions: ['v2alpha1'] },
];

const WITH_SCHEMA = ['ciliumendpoints', 'ciliumnodeconfigs', 'ciliumnodes'] as const;

type Version = CustomResourceDefinition['spec']['versions'][number];

/** v2alpha1 alone up to 1.15, both from 1.16 to 1.19 (v2 stored), v2 alone from 1.20 on. */
function nodeConfigVersions(versions: readonly Version[], minor: number): Version[] {
  const v2alpha1 = versions.find((version) => version.name === 'v2alpha1')!;
  if (minor <= 15) {
    const { deprecated: _, deprecationWarning: __, ...plain } = v2alpha1;
    return [{ ...plain, storage: true }];
  }
  return minor >= 20 ? versions.filter((version) => version.name === 'v2') : [...versions];
}

function bundled(plural: (typeof WITH_SCHEMA)[number], minor: number): CustomResourceDefinition {
  const crd = JSON.parse(ciliumData(`crds/${plural}.json`)) as CustomResourceDefinition;
  const versions = plural === 'ciliumnodeconfigs' ? nodeConfigVersions(crd.spec.versions, minor) : crd.spec.versions;
  const { status: _, ...rest } = crd;
  return { ...rest, metadata: { name: crd.metadata.name }, spec: { ...crd.spec, versions } };
}

function plain(entry: (typeof PLAIN)[number]): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${entry.plural}.cilium.io` },
    spec: {
      group: 'cilium.io',
      names: {
        kind: entry.kind,
        listKind: `${entry.kind}List`,
        plural: entry.plural,
        singular: entry.kind.toLowerCase(),
        categories: ['cilium'],
      },
      scope: entry.namespaced === true ? 'Namespaced' : 'Cluster',
      versions: entry.versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      })),
    },
  } as CustomResourceDefinition;
}

/** All CRDs of a Cilium minor, sorted by name. */
export function ciliumCrds(minor: number): CustomResourceDefinition[] {
  return [
    ...WITH_SCHEMA.map((plural) => bundled(plural, minor)),
    ...PLAIN.filter((entry) => minor <= (entry.until ?? 99) && minor >= (entry.since ?? 0)).map(plain),
  ].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Creates what is missing and brings the versions of what an older operator left up to date. */
export function registerCrds(world: World, minor: number): void {
  for (const crd of ciliumCrds(minor)) {
    const existing = world.store.get<CustomResourceDefinition>(CRDS, crd.metadata.name);
    if (existing === undefined) world.store.create(CRDS, crd as never);
    else if (versionsOf(existing) !== versionsOf(crd))
      world.store.update(CRDS, { name: crd.metadata.name }, (draft) => {
        Object.assign(draft, { spec: { ...existing.spec, versions: crd.spec.versions } });
      });
  }
}

function versionsOf(crd: CustomResourceDefinition): string {
  return JSON.stringify(crd.spec.versions.map(({ name, served, storage }) => [name, served, storage]));
}
