/** Installs Calico in a fake world: the release's own custom resources, and its operator. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../../src/kube/objects.ts';
import { calicoReleases } from '../../../../src/twin/actors/calico/data.ts';
import { RESOURCES } from '../../../../src/twin/actors/calico/types.ts';
import type { FakeWorld, Running } from './fake-world.ts';

const BY_KIND: Record<string, string> = {
  Installation: RESOURCES.installations,
  APIServer: RESOURCES.apiServers,
  Goldmane: RESOURCES.goldmanes,
  Whisker: RESOURCES.whiskers,
};

/** custom-resources.yaml of a release, in the order of the file. */
export function customResources(version: string): KubeObject[] {
  const text = readFileSync(
    new URL(`../../../../data/calico/${version}/custom-resources.yaml`, import.meta.url),
    'utf8',
  );
  return parseAllDocuments(text)
    .map((document) => document.toJSON() as KubeObject | null)
    .filter((object): object is KubeObject => object !== null)
    .map((object) => ({ ...object, spec: object.spec ?? {} }));
}

export function createCustomResources(fake: FakeWorld, objects: readonly KubeObject[]): void {
  for (const object of objects) fake.store.create(BY_KIND[object.kind!]!, object);
}

export function operatorImage(version: string): string {
  return `quay.io/tigera/operator:${calicoReleases().find((release) => release.calico === version)!.operator}`;
}

/** Runs the operator as the release's manifest does, but without its CRDs, which a fake store does not need. */
export function runOperator(fake: FakeWorld, version: string): Running {
  return fake.run(operatorImage(version));
}

export const VERSIONS = ['v3.25.1', 'v3.28.5', 'v3.29.7', 'v3.30.7', 'v3.31.7', 'v3.32.1'];
