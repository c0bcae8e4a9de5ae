/** Calico's release data as the embedded operator needs it: which images a release runs, and its CRDs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
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

const indexes = new Map<string, ReadonlyMap<string, string>>();

/**
 * The CRDs that a release brings: name to YAML text. The files have megabytes, so a document is parsed only when its CRD
 * must really be made ({@link parseCrd}).
 */
export function calicoCrds(calico: string): ReadonlyMap<string, string> {
  const known = indexes.get(calico);
  if (known) return known;
  const file = ['v1_crd_projectcalico_org.yaml.gz', 'operator-crds.yaml.gz', 'tigera-operator.yaml.gz']
    .map((name) => new URL(`${calico}/${name}`, DATA))
    .find((url) => existsSync(url));
  const index = new Map<string, string>();
  const text = file ? gunzipSync(readFileSync(file)).toString('utf8') : '';
  for (const document of text.split(/^---.*\n/m)) {
    if (!/^kind: CustomResourceDefinition$/m.test(document)) continue;
    const name = /^ {2}name: (\S+)$/m.exec(document)?.[1];
    if (name) index.set(name, document);
  }
  indexes.set(calico, index);
  return index;
}

export function parseCrd(document: string): KubeObject {
  return parse(document) as KubeObject;
}
