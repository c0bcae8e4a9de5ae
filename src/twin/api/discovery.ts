/** The smallest discovery that generic clients need: versions, groups, resources. Aggregated discovery is a later issue. */
import { apiVersion, type ResourceInfo } from './registry.ts';
import type { Store } from './store.ts';

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** The document at a discovery path; undefined for any other path. */
export function discovery(path: string, store: Store, kubernetesVersion: string): object | undefined {
  const infos = store.registry.all();
  if (path === '/version') return version(kubernetesVersion);
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(infos) };
  const [, root, first, second, ...rest] = path.split('/');
  if (rest.length > 0) return undefined;
  if (root === 'api' && first === 'v1' && second === undefined) return resources(infos, '', 'v1');
  if (root !== 'apis' || first === undefined) return undefined;
  const group = groups(infos).find((one) => one.name === first);
  if (group === undefined) return undefined;
  if (second === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...group };
  return store.registry.servesGroup(first, second) ? resources(infos, first, second) : undefined;
}

function version(text: string): object {
  const [major = '1', minor = '0'] = text.split('.');
  return {
    major,
    minor,
    gitVersion: `v${text}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

function groups(infos: readonly ResourceInfo[]) {
  const versions = new Map<string, string[]>();
  for (const info of infos) {
    if (info.group === '') continue;
    const known = versions.get(info.group) ?? [];
    versions.set(info.group, [...known, ...info.versions.filter((one) => !known.includes(one))]);
  }
  return [...versions].map(([name, served]) => {
    const all = served.map((one) => ({ groupVersion: apiVersion(name, one), version: one }));
    return { name, versions: all, preferredVersion: all[0] };
  });
}

function resources(infos: readonly ResourceInfo[], group: string, served: string): object {
  const list = infos
    .filter((info) => info.group === group && info.versions.includes(served))
    .flatMap((info) => {
      const { plural, singular, kind, namespaced, shortNames } = info;
      const main = { name: plural, singularName: singular, namespaced, kind, verbs: VERBS, shortNames };
      const sub = (name: string, verbs: string[], more: object = {}) => ({
        name: `${plural}/${name}`,
        singularName: '',
        namespaced,
        kind,
        verbs,
        ...more,
      });
      return [
        main,
        ...(info.status ? [sub('status', ['get', 'patch', 'update'])] : []),
        ...(info.scale
          ? [sub('scale', ['get', 'patch', 'update'], { kind: 'Scale', group: 'autoscaling', version: 'v1' })]
          : []),
        // Without this line kubectl drain deletes instead of evicting.
        ...(info.name === 'pods'
          ? [sub('eviction', ['create'], { kind: 'Eviction', group: 'policy', version: 'v1' })]
          : []),
      ];
    });
  return { kind: 'APIResourceList', groupVersion: apiVersion(group, served), resources: list };
}
