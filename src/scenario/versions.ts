/**
 * The versions that this release knows. A version in a scenario is exact or a minor, which stands for its newest known
 * patch. Known does not mean that the twin has data for it: see {@link hasTwinData}.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import semver from 'semver';
import { nearest } from './nearest.ts';

export type Component = 'kubernetes' | 'calico' | 'cilium';

const DATA = new URL('../../data/', import.meta.url);

/** Variable with versions of Cilium that were published after this release, divided by blanks or commas. */
export const PUBLISHED_SINCE = 'REHEARSE_CILIUM_VERSIONS';

/**
 * Versions that whoever starts a run has seen in the published index: a matrix hands them to its runs, which then know them
 * without asking again. What is no version is none.
 */
export function publishedSince(env: Readonly<Record<string, string | undefined>>): string[] {
  return (env[PUBLISHED_SINCE] ?? '').split(/[\s,]+/).filter((word) => semver.valid(word) === word);
}

const cache = new Map<Component, readonly string[]>();

/** Every known version of a component without `v`, newest first. */
export function knownVersions(component: Component): readonly string[] {
  let versions = cache.get(component);
  if (versions === undefined) {
    versions = semver.rsort([...READERS[component]()]);
    cache.set(component, versions);
  }
  return versions;
}

const READERS: Record<Component, () => string[]> = {
  kubernetes: () => Object.keys(kubernetesImages()),
  calico: () => directories('calico/').map((name) => name.replace(/^v/, '')),
  cilium: () => {
    const index = json<{ releases: Record<string, string[]>; preReleases?: Record<string, string[]> }>(
      'cilium/versions.json',
    );
    const bundled = [...Object.values(index.releases), ...Object.values(index.preReleases ?? {})].flat();
    return [...new Set([...bundled, ...publishedSince(process.env)])];
  },
};

/** Does the embedded cluster have the manifests or charts of this exact version? */
export function hasTwinData(component: Component, version: string): boolean {
  if (component === 'kubernetes') return true;
  return existsSync(new URL(component === 'calico' ? `calico/v${version}/` : `cilium/${version}/`, DATA));
}

/** The versions for which {@link hasTwinData} holds, newest first. */
export function twinVersions(component: Component): readonly string[] {
  return knownVersions(component).filter((version) => hasTwinData(component, version));
}

/** kind's node image of a Kubernetes version, pinned by digest; undefined when none is known. */
export function nodeImage(version: string): string | undefined {
  const digest = kubernetesImages()[version];
  return digest === undefined ? undefined : `kindest/node:v${version}@sha256:${digest}`;
}

export type ResolvedVersion = { readonly version: string } | { readonly problem: string };

/** Makes a version exact, or says in one sentence why it cannot. */
export function resolveVersion(component: Component, asked: string): ResolvedVersion {
  const wanted = asked.replace(/^v/, '');
  const known = knownVersions(component);
  if (/^\d+\.\d+$/.test(wanted)) {
    const newest = known.find((version) => version.startsWith(`${wanted}.`) && semver.prerelease(version) === null);
    if (newest !== undefined) return { version: newest };
  } else if (known.includes(wanted)) {
    return { version: wanted };
  } else if (semver.valid(wanted) === null) {
    return {
      problem: `"${asked}" is neither an exact version such as ${known[0]} nor a minor such as ${minor(known[0]!)}`,
    };
  }
  const minors = [...new Set(known.map(minor))];
  const close = nearest(wanted, known);
  return {
    problem:
      `there is no known ${component} version ${asked}` +
      `${close === undefined ? '' : `; did you mean ${close}?`} Known minors: ${minors.join(', ')}`,
  };
}

const minor = (version: string): string => version.split('.').slice(0, 2).join('.');

let images: Record<string, string> | undefined;

function kubernetesImages(): Record<string, string> {
  images ??= json<{ images: Record<string, string> }>('kubernetes-images.json').images;
  return images;
}

function json<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, DATA), 'utf8')) as T;
}

function directories(path: string): string[] {
  return readdirSync(new URL(path, DATA), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
