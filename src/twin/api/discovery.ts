/** Discovery: versions, groups and resources, plain and aggregated (recorded in file 01). Only what is served is listed. */
import { createHash } from 'node:crypto';
import type { ApiService } from '../../kube/objects.ts';
import { apiVersion, type ResourceInfo } from './registry.ts';
import type { Store } from './store.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** The order in which apiextensions lists them. */
const CUSTOM_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

interface Subresource {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
}

/** Subresources beside status and scale. */
const SUBRESOURCES: Readonly<Record<string, readonly Subresource[]>> = {
  pods: [
    { name: 'binding', verbs: ['create'], kind: 'Binding' },
    // Without this line kubectl drain deletes instead of evicting.
    { name: 'eviction', verbs: ['create'], group: 'policy', version: 'v1', kind: 'Eviction' },
    { name: 'proxy', verbs: ['create', 'delete', 'get', 'patch', 'update'], kind: 'PodProxyOptions' },
  ],
  services: [{ name: 'proxy', verbs: ['create', 'delete', 'get', 'patch', 'update'], kind: 'ServiceProxyOptions' }],
  namespaces: [{ name: 'finalize', verbs: ['update'] }],
};

/** Resources that only answer a POST with a judgement (see reviews.ts). */
const REVIEWS = [
  { group: 'authorization.k8s.io', plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview' },
];

/** The order of groups in /apis, by their priority in kube-apiserver; groups of CRDs follow. */
const ORDER = [
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
];

/** The document at a discovery path; undefined for any other path. */
export function discovery(path: string, store: Store, kubernetesVersion: string): object | undefined {
  if (path === '/version' || path === '/version/') return version(kubernetesVersion);
  const [, root, first, second, ...rest] = path.replace(/\/$/, '').split('/');
  if (rest.length > 0 || (root !== 'api' && root !== 'apis')) return undefined;
  const infos = store.registry.all();
  if (root === 'api') {
    if (first === undefined) {
      const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: 'kubernetes:6443' }];
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs };
    }
    return first === 'v1' && second === undefined ? resourceList(infos, '', 'v1') : undefined;
  }
  const groups = groupsOf(store);
  if (first === undefined) return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  const group = groups.find((one) => one.name === first);
  if (group === undefined) return undefined;
  if (second === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...group };
  const here =
    group.versions.some((one) => one.version === second) && aggregatedState(store, first, second) === undefined;
  return here ? resourceList(infos, first, second) : undefined;
}

/** The aggregated documents that kubectl asks for, with the ETag under which it keeps them. */
export function aggregatedDiscovery(path: string, store: Store): { body: object; etag: string } | undefined {
  const core = path === '/api' || path === '/api/';
  if (!core && path !== '/apis' && path !== '/apis/') return undefined;
  const infos = store.registry.all();
  const groups = core ? [{ name: '', versions: [{ version: 'v1' }] }] : groupsOf(store);
  const items = groups.map(({ name, versions }) => ({
    metadata: name === '' ? {} : { name },
    versions: versions.map((one) =>
      aggregatedState(store, name, one.version) === 'Stale'
        ? { version: one.version, freshness: 'Stale' }
        : { version: one.version, resources: aggregated(infos, name, one.version), freshness: 'Current' },
    ),
  }));
  const body = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  return { body, etag: `"${createHash('sha512').update(JSON.stringify(body)).digest('hex').toUpperCase()}"` };
}

export const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Does the Accept header ask for the aggregated form, in the version that is served? */
export const wantsAggregated = (accept: string | undefined): boolean =>
  (accept ?? '').split(',').some((clause) => {
    const parts = clause.split(';').map((part) => part.trim());
    return (
      parts.includes('g=apidiscovery.k8s.io') && parts.includes('v=v2') && parts.includes('as=APIGroupDiscoveryList')
    );
  });

function version(text: string): object {
  const [major = '1', minor = '0'] = text.split('.');
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${text}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

interface Group {
  readonly name: string;
  readonly versions: readonly { groupVersion: string; version: string }[];
  readonly preferredVersion: { groupVersion: string; version: string } | undefined;
}

function groupsOf(store: Store): Group[] {
  const versions = new Map<string, string[]>();
  const add = (group: string, served: readonly string[]): void => {
    if (group === '') return;
    const known = versions.get(group) ?? [];
    versions.set(group, [...known, ...served.filter((one) => !known.includes(one))]);
  };
  for (const info of store.registry.all()) add(info.group, info.versions);
  for (const { group } of REVIEWS) add(group, ['v1']);
  for (const service of servicesWithBackend(store)) add(service.spec?.group ?? '', [service.spec?.version ?? '']);
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...versions]
    .sort(([a], [b]) => place(a) - place(b))
    .map(([name, served]) => {
      const all = [...served].sort(byVersion).map((one) => ({ groupVersion: apiVersion(name, one), version: one }));
      return { name, versions: all, preferredVersion: all[0] };
    });
}

/** v2 before v1 before v1beta2 before v1alpha1 (apimachinery version.CompareKubeAwareVersionStrings). */
export function byVersion(a: string, b: string): number {
  const rank = (text: string): readonly number[] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text);
    if (match === null) return [-1, 0, 0];
    const stage = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
    return [stage, Number(match[1]), Number(match[3] ?? '0')];
  };
  const [left, right] = [rank(a), rank(b)];
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return right[i]! - left[i]!;
  return a < b ? -1 : a > b ? 1 : 0;
}

const SERVICES = 'apiservices.apiregistration.k8s.io';

const servicesWithBackend = (store: Store): ApiService[] =>
  store.list<ApiService>(SERVICES).filter((one) => one.spec?.service !== undefined);

/** Is this version served by somebody else, behind an APIService, and does that answer? Its resources are not modelled. */
function aggregatedState(store: Store, group: string, served: string): 'Current' | 'Stale' | undefined {
  const service = servicesWithBackend(store).find((one) => one.spec?.group === group && one.spec.version === served);
  if (service === undefined) return undefined;
  const available = service.status?.conditions?.some((one) => one.type === 'Available' && one.status === 'True');
  return available === true ? 'Current' : 'Stale';
}

interface Entry {
  readonly info: ResourceInfo | undefined;
  readonly plural: string;
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
}

function entriesOf(infos: readonly ResourceInfo[], group: string, served: string): Entry[] {
  const resources = infos
    .filter((info) => info.group === group && info.versions.includes(served))
    .map((info): Entry => {
      const { plural, kind, singular, namespaced } = info;
      const verbs = info.schemas === undefined ? VERBS : CUSTOM_VERBS;
      const subresources = [
        ...(SUBRESOURCES[info.name] ?? []),
        ...(info.scale
          ? [{ name: 'scale', verbs: ['get', 'patch', 'update'], group: 'autoscaling', version: 'v1', kind: 'Scale' }]
          : []),
        ...(info.status ? [{ name: 'status', verbs: ['get', 'patch', 'update'] }] : []),
      ].sort((a, b) => (a.name < b.name ? -1 : 1));
      const own = info.name === 'namespaces' ? verbs.filter((verb) => verb !== 'deletecollection') : verbs;
      return { info, plural, kind, singular, namespaced, verbs: own, subresources };
    });
  const reviews = REVIEWS.filter((one) => one.group === group && served === 'v1').map(
    ({ plural, kind }): Entry => ({
      info: undefined,
      plural,
      kind,
      singular: kind.toLowerCase(),
      namespaced: false,
      verbs: ['create'],
      subresources: [],
    }),
  );
  return [...resources, ...reviews].sort((a, b) => (a.plural < b.plural ? -1 : 1));
}

function resourceList(infos: readonly ResourceInfo[], group: string, served: string): object {
  const resources = entriesOf(infos, group, served).flatMap(
    ({ info, plural, kind, singular, namespaced, verbs, subresources }) => [
      {
        name: plural,
        singularName: singular,
        namespaced,
        kind,
        verbs,
        ...(info !== undefined && info.shortNames.length > 0 && { shortNames: info.shortNames }),
        ...(info !== undefined && info.categories.length > 0 && { categories: info.categories }),
        ...(info !== undefined && { storageVersionHash: hashOf(info) }),
      },
      ...subresources.map((sub) => ({
        name: `${plural}/${sub.name}`,
        singularName: '',
        namespaced,
        ...(sub.group !== undefined && { group: sub.group }),
        ...(sub.version !== undefined && { version: sub.version }),
        kind: sub.kind ?? kind,
        verbs: sub.verbs,
      })),
    ],
  );
  // The list of the core group has no apiVersion (recorded).
  const head = group === '' ? {} : { apiVersion: 'v1' };
  return { kind: 'APIResourceList', ...head, groupVersion: apiVersion(group, served), resources };
}

function aggregated(infos: readonly ResourceInfo[], group: string, served: string): object[] {
  return entriesOf(infos, group, served).map(({ info, plural, kind, singular, namespaced, verbs, subresources }) => ({
    resource: plural,
    responseKind: { group: '', version: '', kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(info !== undefined && info.shortNames.length > 0 && { shortNames: info.shortNames }),
    ...(info !== undefined && info.categories.length > 0 && { categories: info.categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map((sub) => ({
        subresource: sub.name,
        responseKind: { group: sub.group ?? '', version: sub.version ?? '', kind: sub.kind ?? kind },
        verbs: sub.verbs,
      })),
    }),
  }));
}

/** Stands for the real hash: equal for equal storage, another for another. */
const hashOf = (info: ResourceInfo): string =>
  createHash('sha256')
    .update(`${info.group}/${info.versions[0]}/${info.kind}`)
    .digest('base64')
    .slice(0, 11)
    .concat('=');
