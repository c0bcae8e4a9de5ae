/** What data/cilium says of a version in its lists, from the values of its chart. Pure. */
import semver from 'semver';

interface Image {
  readonly repository: string;
  readonly tag: string;
  readonly digest?: string;
  readonly genericDigest?: string;
}

/** The keys of a chart's values.yaml that images are named by (the same from 1.14 to 1.21). */
export interface ChartValues {
  readonly image: Image;
  readonly operator: { readonly image: Image };
  readonly envoy: { readonly image: Image; readonly enabled?: boolean | null };
  readonly certgen: { readonly image: Image };
  readonly hubble: { readonly relay: { readonly image: Image } };
}

/** The entry of images.json. */
export function imagesOf({ image, operator, envoy, certgen, hubble }: ChartValues): object {
  const entry = ({ repository, tag, digest }: Image) => ({ ref: `${repository}:${tag}`, digest });
  const { repository, tag, genericDigest } = operator.image;
  return {
    agent: entry(image),
    operatorGeneric: { ref: `${repository}-generic:${tag}`, digest: genericDigest },
    // From 1.16 on it is left open, which is on where the L7 proxy is (templates/_helpers.tpl, envoyDaemonSetEnabled).
    envoy: { ...entry(envoy.image), deployedByDefault: envoy.enabled !== false },
    certgen: { ...entry(certgen.image), deployedByDefault: false },
    hubbleRelay: { ...entry(hubble.relay.image), deployedByDefault: false },
  };
}

export interface Versions {
  readonly latestStable: string;
  readonly latestPatch: Readonly<Record<string, string>>;
  readonly releases: Readonly<Record<string, readonly string[]>>;
  readonly preReleases: Readonly<Record<string, readonly string[]>>;
}

/** versions.json with this version in it. */
export function withVersion<T extends Versions>(versions: T, version: string): T {
  const minor = version.split('.').slice(0, 2).join('.');
  const add = (lists: Versions['releases']): Versions['releases'] => {
    const list = lists[minor] ?? [];
    return list.includes(version) ? lists : { ...lists, [minor]: semver.sort([...list, version]) };
  };
  if (semver.prerelease(version) !== null) return { ...versions, preReleases: add(versions.preReleases) };
  const newer = (than: string | undefined): boolean => than === undefined || semver.gt(version, than);
  return {
    ...versions,
    ...(newer(versions.latestStable) && { latestStable: version }),
    ...(newer(versions.latestPatch[minor]) && { latestPatch: { ...versions.latestPatch, [minor]: version } }),
    releases: add(versions.releases),
  };
}
