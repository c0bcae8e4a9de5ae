/**
 * The way from client-side to server-side apply (apiserver managedfields/internal/lastappliedmanager.go, lastappliedupdater.go):
 * what `kubectl apply` has written down in its annotation is kubectl's own, whoever owns it by the books.
 */
import type { KubeObject } from '../../kube/objects.ts';
import { flat } from './field-set.ts';
import { equalJson, isMap, type JsonMap } from './json.ts';
import { ownable } from './managed-fields.ts';
import type { ApplyTopology } from './topology.ts';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
/** The field manager of `kubectl apply --server-side`. */
const KUBECTL = 'kubectl';

/** The places that kubectl may take over without force: those that it applied last and that still have that value. */
export function upgradable(
  current: KubeObject,
  manager: string,
  topology: ApplyTopology,
): (steps: readonly string[]) => boolean {
  const applied = manager === KUBECTL ? lastApplied(current) : undefined;
  if (applied === undefined) return () => false;
  const before = flat(ownable(applied), topology);
  const now = flat(ownable(current), topology);
  return (steps) => {
    const place = steps.join('\n');
    const value = before.get(place);
    return value !== undefined && equalJson(value.value, now.get(place)?.value);
  };
}

function lastApplied({ metadata }: KubeObject): KubeObject | undefined {
  try {
    const value: unknown = JSON.parse(metadata.annotations?.[ANNOTATION] ?? '');
    return isMap(value) && isMap(value.metadata) ? (value as unknown as KubeObject) : undefined;
  } catch {
    return undefined;
  }
}

/** kubectl's apply keeps the annotation up to date where there is one. */
export function withLastApplied(result: KubeObject, applied: KubeObject, manager: string): KubeObject {
  if (manager !== KUBECTL || result.metadata.annotations?.[ANNOTATION] === undefined) return result;
  const text = `${JSON.stringify(sorted(applied))}\n`;
  const annotations = { ...result.metadata.annotations, [ANNOTATION]: text };
  return { ...result, metadata: { ...result.metadata, annotations } };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  const entries = Object.entries(value as JsonMap).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]));
}
