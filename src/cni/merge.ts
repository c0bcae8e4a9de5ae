/** Merging and comparing of values as Helm and JSON merge patches understand them. */
import type { ValueChange } from '../events/events.ts';
import type { Json, JsonObject } from '../scenario/scenario.ts';

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` wins; objects are merged key by key, everything else (lists too) is replaced. Neither argument is changed. */
export function mergeValues(base: JsonObject, over: JsonObject): JsonObject {
  const merged: JsonObject = structuredClone(base);
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isObject(below) && isObject(value) ? mergeValues(below, value) : structuredClone(value);
  }
  return merged;
}

/** The value at a dotted path, or undefined. */
export function valueAt(values: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = values;
  for (const key of path.split('.')) value = isObject(value) ? value[key] : undefined;
  return value;
}

/** What differs, leaf by leaf, in the order of paths; a key that is missing on one side is null there. */
export function changedValues(before: JsonObject, after: JsonObject): ValueChange[] {
  const changes: ValueChange[] = [];
  const walk = (a: Json | undefined, b: Json | undefined, path: string): void => {
    if (isObject(a) || isObject(b)) {
      // A value that gives way to a map, or the other way round, is a change of its own.
      if (!isObject(a) && (a ?? null) !== null) changes.push({ path, before: a ?? null, after: null });
      if (!isObject(b) && (b ?? null) !== null) changes.push({ path, before: null, after: b ?? null });
      const left = isObject(a) ? a : {};
      const right = isObject(b) ? b : {};
      for (const key of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
        walk(left[key], right[key], path === '' ? key : `${path}.${key}`);
      }
      return;
    }
    if (JSON.stringify(a) !== JSON.stringify(b)) changes.push({ path, before: a ?? null, after: b ?? null });
  };
  walk(before, after, '');
  return changes;
}
