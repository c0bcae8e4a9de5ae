/** Manifests as files hold them: YAML with several documents, plain or gzipped, Lists unpacked. */
import { gunzipSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './objects.ts';

/**
 * The objects of a manifest in the order of the file.
 * @throws Error that names the document (counted from 1) which is not an object with apiVersion, kind and name.
 */
export function parseManifests(content: string | Uint8Array, name = 'manifest'): KubeObject[] {
  // Keys that stand twice are refused when a scenario is read; looking for them here takes minutes for a megabyte (yaml 2.9.1).
  const documents = parseAllDocuments(textOf(content), { merge: true, uniqueKeys: false });
  const objects: KubeObject[] = [];
  for (const [index, document] of [...documents].entries()) {
    const place = `${name}, document ${index + 1}`;
    const problem = document.errors[0];
    if (problem !== undefined) throw new Error(`${place}: ${problem.message}`);
    // Big CRDs repeat anchors nowhere, but the parser's default limit on aliases would refuse them if they did.
    const value: unknown = document.toJS({ maxAliasCount: -1 });
    if (value === null || value === undefined) continue;
    for (const object of unpack(value, place)) objects.push(object);
  }
  return objects;
}

function textOf(content: string | Uint8Array): string {
  if (typeof content === 'string') return content;
  const gzipped = content[0] === 0x1f && content[1] === 0x8b;
  return new TextDecoder().decode(gzipped ? gunzipSync(content) : content);
}

function unpack(value: unknown, place: string): KubeObject[] {
  const object = value as Partial<KubeObject> & { items?: unknown };
  if (typeof value !== 'object' || typeof object.apiVersion !== 'string' || typeof object.kind !== 'string') {
    throw new Error(`${place}: not a Kubernetes object (apiVersion and kind are missing)`);
  }
  if (object.kind.endsWith('List') && Array.isArray(object.items)) {
    return object.items.flatMap((item, index) => unpack(item, `${place}, item ${index + 1}`));
  }
  if (typeof object.metadata?.name !== 'string') throw new Error(`${place}: ${object.kind} without a name`);
  return [object as KubeObject];
}

/** Kinds in the order in which they must exist: definitions and namespaces first, what refers to them after. */
const FIRST = ['Namespace', 'CustomResourceDefinition', 'PriorityClass', 'ServiceAccount', 'ConfigMap', 'Secret'];

/** A stable order in which the objects can be applied one after the other. */
export function inApplyOrder(objects: readonly KubeObject[]): KubeObject[] {
  const rank = (object: KubeObject): number => {
    const at = FIRST.indexOf(object.kind ?? '');
    return at < 0 ? FIRST.length : at;
  };
  return objects
    .map((object, index) => ({ object, index }))
    .sort((a, b) => rank(a.object) - rank(b.object) || a.index - b.index)
    .map(({ object }) => object);
}
