/** Where this very cluster serves a kind, by its own discovery: for kinds that no table of ours and no manifest names. */
import { type KubeApi, KubeError, type Resource } from './api.ts';
import { statusIn } from './client.ts';
import type { KubeObject } from './objects.ts';

interface Served {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/**
 * @returns undefined when the cluster does not serve the kind, or not in this version
 * @throws KubeError when discovery itself fails, ApiUnreachable
 */
export async function discoverResource(
  api: Pick<KubeApi, 'raw'>,
  apiVersion: string,
  kind: string,
): Promise<Resource<KubeObject> | undefined> {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion];
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const { status, body } = await api.raw(path);
  if (status === 404) return undefined;
  if (status !== 200) {
    const said = statusIn(body);
    throw new KubeError(status, said?.reason ?? '', said?.message ?? body.trim(), `GET ${path}`);
  }
  const { resources } = JSON.parse(body) as { resources?: readonly Served[] };
  // `pods/eviction` and its like bear the kind of what they take.
  const found = resources?.find((served) => served.kind === kind && !served.name.includes('/'));
  if (found === undefined) return undefined;
  return { group: group!, version: version!, plural: found.name, kind, namespaced: found.namespaced };
}
