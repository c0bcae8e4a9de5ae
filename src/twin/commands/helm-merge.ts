/**
 * Helm's three-way merge: what the last manifest had and the new one lacks is removed, what the new one has is set, and
 * what only the live object carries stays (a restart annotation, defaults, status). Lists are one value: kept as they are
 * live where both manifests agree, else replaced by the new one.
 */
import type { Json, JsonObject } from '../../scenario/scenario.ts';
import { isObject, sameJson } from '../chart/merge.ts';

/** The object to store. None of the arguments is changed. */
export function threeWayMerge(old: JsonObject, next: JsonObject, live: JsonObject): JsonObject {
  const merged: JsonObject = { ...live };
  for (const key of Object.keys(old)) if (!(key in next)) delete merged[key];
  for (const key of Object.keys(next)) {
    const wanted = next[key] as Json;
    const before = old[key];
    const now = live[key];
    if (isObject(wanted)) merged[key] = threeWayMerge(isObject(before) ? before : {}, wanted, isObject(now) ? now : {});
    else if (now === undefined || !sameJson(before, wanted) || (!Array.isArray(wanted) && !sameJson(now, wanted)))
      merged[key] = structuredClone(wanted);
  }
  return merged;
}
