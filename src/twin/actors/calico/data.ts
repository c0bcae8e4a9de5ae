/** Calico's release data as the embedded operator needs it: which images a release runs, and its CRDs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { KubeObject } from '../../../kube/objects.ts';

const DATA = new URL('../../../../data/calico/', import.meta.url);

export interface ReleaseData {
  /** Such as v3.31.7. */
  readonly calico: string;
  /** Such as v1.40.15. */
  readonly operator: string;
  readonly images: readonly string[];
}

let releases: ReleaseData[] | undefined;

/** Every release in data/calico, oldest first. */
export function calicoReleases(): readonly ReleaseData[] {
  releases ??= readdirSync(DATA)
    .filter((name) => /^v\d/.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => JSON.parse(readFileSync(new URL(`${name}/images.json`, DATA), 'utf8')) as ReleaseData);
  return releases;
}

const indexes = new Map<string, ReadonlyMap<string, KubeObject>>();

/** The CRDs that a release brings, by name, from the JSON form of its manifests (data/calico/README.md). */
export function calicoCrds(calico: string): ReadonlyMap<string, KubeObject> {
  const known = indexes.get(calico);
  if (known) return known;
  const file = ['v1_crd_projectcalico_org.json.gz', 'operator-crds.json.gz', 'tigera-operator.json.gz']
    .map((name) => new URL(`${calico}/${name}`, DATA))
    .find((url) => existsSync(url));
  const objects = file ? (JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as KubeObject[]) : [];
  const crds = objects.filter((object) => object.kind === 'CustomResourceDefinition');
  const index = new Map(crds.map((crd) => [crd.metadata.name, crd]));
  indexes.set(calico, index);
  return index;
}
