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
    else if (isMap(value)) result[key] = mergeMap(result[key], value, inside);
    else if (Array.isArray(value)) result[key] = mergeList(result[key], value, inside, patch[`${ORDER}${key}`]);
    else result[key] = value;
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length);
      const gone = value as unknown[];
      if (Array.isArray(result[name])) {
        result[name] = result[name].filter((item) => !gone.some((one) => equalJson(one, item)));
      }
    } else if (key.startsWith(ORDER)) {
      const name = key.slice(ORDER.length);
      if (Array.isArray(result[name])) result[name] = ordered(result[name], value as unknown[], [...path, name]);
    }
  }
  return result;
}

function mergeMap(target: unknown, patch: JsonMap, path: FieldPath): unknown {
  return strategicMerge(isMap(target) ? target : {}, patch, path);
}

function mergeList(target: unknown, patch: unknown[], path: FieldPath, order: unknown): unknown[] {
  const current: unknown[] = Array.isArray(target) ? target : [];
  const key = strategicKey(path);
  if (key !== undefined && patch.every(isMap)) return mergeObjects(current.filter(isMap), patch, path, key);
  if (isStrategicSet(path)) {
    // New values go to the front, as new elements of object lists do (recorded: finalizers).
    const added = patch.filter((item) => !current.some((one) => equalJson(one, item)));
    return order === undefined ? [...added, ...current] : [...current, ...added];
  }
  return cloneJson(patch);
}

function mergeObjects(current: JsonMap[], patch: JsonMap[], path: FieldPath, key: string): JsonMap[] {
  if (patch.some((item) => item.$patch === 'replace' && item[key] === undefined)) {
    return patch.filter((item) => item.$patch === undefined).map((item) => cloneJson(item));
  }
  let result = [...current];
  const added: JsonMap[] = [];
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
    if (at < 0) added.push(strategicMerge({}, item, path));
    else result[at] = strategicMerge(result[at]!, item, path);
  }
  // New elements go to the front, the others keep their place (recorded: sm-add-container, node-condition-new).
  return [...added, ...result];
}

function ordered(items: unknown[], order: unknown[], path: FieldPath): unknown[] {
  const key = strategicKey(path);
  const place = (item: unknown): number =>
    order.findIndex((one) =>
      key !== undefined && isMap(item) && isMap(one) ? one[key] === item[key] : equalJson(one, item),
    );
  const named = items.filter((item) => place(item) >= 0).sort((a, b) => place(a) - place(b));
  // What the order does not name stays where it was, the named ones fill the other places.
  return items.map((item) => (place(item) >= 0 ? named.shift() : item));
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
