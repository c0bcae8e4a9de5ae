/** Helm's record of a release: one Secret a revision, `sh.helm.release.v1.NAME.vN` (helm v3 pkg/storage/driver/secrets.go). */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { KubeObject, Secret } from '../../kube/objects.ts';
import type { JsonObject } from '../../scenario/scenario.ts';
import type { World } from '../world.ts';

export interface Release {
  readonly name: string;
  readonly namespace: string;
  /** Revision, from 1. */
  readonly version: number;
  readonly info: {
    readonly first_deployed: string;
    readonly last_deployed: string;
    readonly deleted: string;
    readonly description: string;
    readonly status: 'deployed' | 'superseded' | 'failed';
    readonly notes: string;
  };
  /** `Chart.yaml` only: the twin keeps no templates. */
  readonly chart: { readonly metadata: JsonObject };
  /** The user's values. */
  readonly config: JsonObject;
  /** YAML documents, each in the flow style that is JSON. */
  readonly manifest: string;
}

const secretName = (name: string, revision: number): string => `sh.helm.release.v1.${name}.v${revision}`;

/** Objects as the release's manifest text. */
export function manifestOf(objects: readonly JsonObject[]): string {
  return objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('');
}

/** The objects of a manifest text made by {@link manifestOf}. */
export function objectsOf(manifest: string): JsonObject[] {
  return manifest
    .split('---\n')
    .filter((document) => document.trim() !== '')
    .map((document) => JSON.parse(document) as JsonObject);
}

/** JSON, gzip, base64, and base64 once more for the Secret. */
function encode(release: Release): string {
  const zipped = gzipSync(JSON.stringify(release)).toString('base64');
  return Buffer.from(zipped).toString('base64');
}

function decode(data: string): Release {
  const zipped = Buffer.from(Buffer.from(data, 'base64').toString('utf8'), 'base64');
  return JSON.parse(gunzipSync(zipped).toString('utf8')) as Release;
}

/** The newest revision of a release, or undefined when it was never installed. */
export function lastRelease(world: World, namespace: string, name: string): Release | undefined {
  const revisions = world.store
    .list<Secret>('secrets', { namespace, labels: { owner: 'helm', name } })
    .sort((a, b) => Number(a.metadata.labels?.version) - Number(b.metadata.labels?.version));
  const data = revisions.at(-1)?.data?.release;
  return data === undefined ? undefined : decode(data);
}

/** Writes a revision, and marks the one before as superseded. */
export function saveRelease(world: World, release: Release, previous: Release | undefined): void {
  if (previous !== undefined)
    world.store.update<Secret>(
      'secrets',
      { name: secretName(previous.name, previous.version), namespace: previous.namespace },
      (secret) => {
        secret.metadata.labels = { ...secret.metadata.labels, status: 'superseded' };
        secret.data = { release: encode({ ...previous, info: { ...previous.info, status: 'superseded' } }) };
      },
    );
  world.store.create<KubeObject>('secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName(release.name, release.version),
      namespace: release.namespace,
      labels: {
        modifiedAt: String(Math.floor(world.time.now() / 1000)),
        name: release.name,
        owner: 'helm',
        status: release.info.status,
        version: String(release.version),
      },
    },
    type: 'helm.sh/release.v1',
    data: { release: encode(release) },
  });
}
