/** How Helm merges a user's values over a chart's (helm v3 pkg/chartutil/coalesce.go): maps deep, null deletes, else replace. */
import type { Json, JsonObject } from '../../scenario/scenario.ts';

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A new object; neither argument is changed. A null of the chart itself stays (`hostLegacyRouting: ~`). */
export function mergeValues(chart: JsonObject, user: JsonObject): JsonObject {
  const merged: JsonObject = { ...chart };
  for (const key of Object.keys(user)) {
    const over = user[key] as Json;
    const under = chart[key];
    if (over === null) delete merged[key];
    else if (isObject(over) && isObject(under)) merged[key] = mergeValues(under, over);
    else if (isObject(over)) merged[key] = mergeValues({}, over);
    else merged[key] = over;
  }
  return merged;
}

/** The value at a dotted path, or undefined. */
export function valueAt(values: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = values;
  for (const key of path.split('.')) {
    if (!isObject(value)) return undefined;
    value = value[key];
  }
  return value;
}

/** Equal as JSON, whatever the order of keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameJson(a[key], b[key]));
}
