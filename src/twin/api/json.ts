/** Values as they stand in JSON: copied, compared and brought into an object with as little change as possible. */

export type JsonMap = Record<string, unknown>;

export const isMap = (value: unknown): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A copy without fields that are undefined; several times faster than structuredClone on API objects. */
export function cloneJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item) => cloneJson(item as unknown)) as unknown as T;
  if (!isMap(value)) return value;
  const copy: JsonMap = {};
  for (const key in value) {
    const field: unknown = value[key];
    if (field !== undefined) copy[key] = cloneJson(field);
  }
  return copy as T;
}

/**
 * `next` as a new value that shares every unchanged part with `previous`; the very same `previous` when nothing differs.
 * So objects stay immutable, a no-op is seen by identity, and a change of `spec` by `a.spec !== b.spec`.
 */
export function share(previous: unknown, next: unknown): unknown {
  if (previous === next) return previous;
  if (Array.isArray(next)) {
    const old = Array.isArray(previous) ? (previous as unknown[]) : [];
    let same = Array.isArray(previous) && old.length === next.length;
    const items = next.map((item: unknown, index) => {
      const shared = share(old[index], item);
      if (shared !== old[index]) same = false;
      return shared;
    });
    return same ? previous : items;
  }
  if (!isMap(next)) return next;
  const old = isMap(previous) ? previous : {};
  let same = isMap(previous);
  const result: JsonMap = {};
  for (const key in next) {
    const field = next[key];
    if (field === undefined) continue;
    const shared = share(old[key], field);
    result[key] = shared;
    if (shared !== old[key] || !(key in old)) same = false;
  }
  if (same) for (const key in old) if (!(key in result)) same = false;
  return same ? previous : result;
}

/** Equal as JSON; the order of keys does not matter, a field that is undefined is absent. */
export const equalJson = (a: unknown, b: unknown): boolean => share(a, b) === a;

const BARE = new WeakMap<object, string>();

/** JSON text of an object without `kind` and `apiVersion`, kept as long as the object lives. */
function bareText(object: object): string {
  let text = BARE.get(object);
  if (text === undefined) {
    const { kind: _kind, apiVersion: _version, ...rest } = object as JsonMap;
    text = JSON.stringify(rest);
    BARE.set(object, text);
  }
  return text;
}

/** JSON text of an object with the type as this request sees it, or without one (items of built-in lists). */
export function objectText(object: object, type: { kind: string; apiVersion: string } | undefined): string {
  const bare = bareText(object);
  if (type === undefined) return bare;
  const head = `{"kind":${JSON.stringify(type.kind)},"apiVersion":${JSON.stringify(type.apiVersion)}`;
  return bare === '{}' ? `${head}}` : `${head},${bare.slice(1)}`;
}
