/**
 * Strategic merge patch: lists of objects merge by their key, with the directives `$patch`, `$setElementOrder`,
 * `$deleteFromPrimitiveList` and `$retainKeys` (apimachinery pkg/util/strategicpatch; recorded in file 03).
 */
import { cloneJson, equalJson, isMap, type JsonMap } from './json.ts';
import { StatusError } from './status.ts';
import { type FieldPath, isStrategicSet, strategicKey } from './topology.ts';

const ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

/** The target with the patch merged in. */
export function strategicMerge(target: JsonMap, patch: JsonMap, path: FieldPath = []): JsonMap {
  const directive = patch.$patch;
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') {
    throw new StatusError(500, undefined, `unknown patch type: ${String(directive)} in map: ${goMap(patch)}`);
  }
  const result: JsonMap = { ...target };
  if (Array.isArray(patch.$retainKeys)) {
    for (const key of Object.keys(result)) if (!patch.$retainKeys.includes(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    const inside = [...path, key];
    if (value === null) delete result[key];
    // What the object does not have is taken as it stands, whatever its directives say (apimachinery, mergeMap).
    else if (result[key] === undefined) result[key] = plain(value);
    else if (isMap(value)) result[key] = mergeMap(result[key], value, inside);
    else if (Array.isArray(value)) result[key] = mergeList(result[key], value, inside);
    else result[key] = value;
  }
  for (const [key, value] of Object.entries(patch)) {
    const name = key.slice(key.indexOf('/') + 1);
    const list = result[name];
    if (!Array.isArray(list)) continue;
    if (key.startsWith(DELETE_FROM)) {
      result[name] = list.filter((item) => !(value as unknown[]).some((one) => equalJson(one, item)));
    } else if (key.startsWith(ORDER)) {
      const live = Array.isArray(target[name]) ? (target[name] as unknown[]) : [];
      result[name] = arrange(list, value as unknown[], live, identity([...path, name]));
    }
  }
  return result;
}

function mergeMap(target: unknown, patch: JsonMap, path: FieldPath): unknown {
  return strategicMerge(isMap(target) ? target : {}, patch, path);
}

function mergeList(target: unknown, patch: unknown[], path: FieldPath): unknown[] {
  const current: unknown[] = Array.isArray(target) ? target : [];
  const key = strategicKey(path);
  if (key !== undefined && patch.every(isMap)) return mergeObjects(current.filter(isMap), patch, path, key);
  if (isStrategicSet(path)) {
    const added = patch.filter((item) => !current.some((one) => equalJson(one, item)));
    return arrange([...current, ...added], patch, current, identity(path));
  }
  return cloneJson(patch);
}

function mergeObjects(current: JsonMap[], patch: JsonMap[], path: FieldPath, key: string): JsonMap[] {
  if (patch.some((item) => item.$patch === 'replace' && item[key] === undefined)) {
    return patch.filter((item) => item.$patch === undefined).map((item) => cloneJson(item));
  }
  let result = [...current];
  for (const item of patch) {
    const id = item[key];
    if (id === undefined) {
      const text = `map: ${goMap(item)} does not contain declared merge key: ${key}`;
      throw new StatusError(500, undefined, text);
    }
    if (item.$patch === 'delete') {
      result = result.filter((one) => one[key] !== id);
      continue;
    }
    const at = result.findIndex((one) => one[key] === id);
    if (at < 0) result.push(strategicMerge({}, item, path));
    else result[at] = strategicMerge(result[at]!, item, path);
  }
  return arrange(result, patch, current, identity(path)) as JsonMap[];
}

/** What makes an element of a list the same one in the patch and in the object. */
function identity(path: FieldPath): (item: unknown) => string {
  const key = strategicKey(path);
  return (item) => JSON.stringify(key !== undefined && isMap(item) ? item[key] : item);
}

/**
 * Elements that the patch names stand in its order, the others in theirs; one of the others comes before a named one only
 * if it already stood before it. So what is new goes to the front unless it follows an element that is known (recorded:
 * sm-add-container, sm-env-merge, sm-finalizers-add).
 */
function arrange(
  items: readonly unknown[],
  order: readonly unknown[],
  live: readonly unknown[],
  idOf: (item: unknown) => string,
): unknown[] {
  const places = new Map(order.map((item, index) => [idOf(item), index]));
  const old = new Map(live.map((item, index) => [idOf(item), index]));
  const placeOf = (item: unknown): number => places.get(idOf(item)) ?? -1;
  const named = items.filter((item) => placeOf(item) >= 0).sort((a, b) => placeOf(a) - placeOf(b));
  const others = items.filter((item) => placeOf(item) < 0);
  const result: unknown[] = [];
  while (named.length > 0 && others.length > 0) {
    const before = old.get(idOf(others[0]));
    const after = old.get(idOf(named[0]));
    const first = before !== undefined && after !== undefined && before < after ? others : named;
    result.push(first.shift());
  }
  return [...result, ...named, ...others];
}

/** A value without directives and nulls. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !isMap(item) || item.$patch === undefined).map((item) => plain(item));
  }
  if (!isMap(value)) return value;
  const fields = Object.entries(value).filter(([key, field]) => !key.startsWith('$') && field !== null);
  return Object.fromEntries(fields.map(([key, field]) => [key, plain(field)]));
}

function withoutDirectives(patch: JsonMap): JsonMap {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !key.startsWith('$')));
}

/** How Go prints a map; the texts above end in one. */
function goMap(map: JsonMap): string {
  const fields = Object.keys(map)
    .sort()
    .map((key) => `${key}:${String(map[key])}`);
  return `map[${fields.join(' ')}]`;
}
