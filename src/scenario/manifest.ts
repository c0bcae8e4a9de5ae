/** Workload manifests as they are read: Kubernetes objects, and nothing else. What the API says of them comes later. */
import type { Node } from 'yaml';
import { parsed, problemOfFile } from './document.ts';
import type { ScenarioError } from './problem.ts';
import { plainValue } from './yaml.ts';

/** RFC 1123 subdomain, or what RBAC allows (`system:node`); the API is stricter for most kinds. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/;

/** @throws ScenarioError that names file and line */
export function checkManifest(text: string, file: string): void {
  const { documents, lines } = parsed(text, file);
  let objects = 0;
  for (const document of documents) {
    const contents = document.contents as Node | null;
    const at = lines.linePos(contents?.range?.[0] ?? 0);
    const bad = (message: string): ScenarioError => problemOfFile(file, message, at.line, at.col);
    const value = plainValue(document);
    if (value !== null && value !== undefined) objects += objectsIn(value, '', bad);
  }
  if (objects === 0) throw problemOfFile(file, 'the file holds no Kubernetes objects');
}

function objectsIn(value: unknown, item: string, bad: (message: string) => ScenarioError): number {
  const what = item === '' ? 'this document' : item;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(`${what} is not a Kubernetes object (a mapping with apiVersion, kind and metadata)`);
  }
  const { apiVersion, kind, metadata, items } = value as Record<string, unknown>;
  if (typeof apiVersion !== 'string' || apiVersion === '' || typeof kind !== 'string' || kind === '') {
    throw bad(`${what} is not a Kubernetes object: apiVersion and kind are wanted as texts`);
  }
  if (kind.endsWith('List') && items !== undefined) {
    if (!Array.isArray(items)) throw bad(`${what}: the items of a ${kind} are a list`);
    return items.reduce<number>((sum, below, index) => sum + objectsIn(below, `item ${index + 1} of ${what}`, bad), 0);
  }
  const { name, namespace } = (typeof metadata === 'object' && metadata !== null ? metadata : {}) as Record<
    string,
    unknown
  >;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw bad(`${what}: a ${kind} with metadata.name is wanted, a text such as "web"`);
  }
  if (namespace !== undefined && (typeof namespace !== 'string' || !NAME.test(namespace))) {
    throw bad(`${what}: the metadata.namespace of ${kind} ${name} is a text such as "default"`);
  }
  return 1;
}
