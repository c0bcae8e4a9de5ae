/** JSON merge patch (RFC 7386) and JSON patch (RFC 6902) as the API server applies them. */
import { cloneJson, equalJson, isMap, type JsonMap } from './json.ts';
import { badRequest, StatusError } from './status.ts';

/** The target with the patch merged in; null removes. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return cloneJson(patch);
  const result: JsonMap = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

interface Operation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly from?: unknown;
  readonly value?: unknown;
}

const rejected = (): StatusError =>
  new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

/** The target with the operations applied one after the other. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    const found = isMap(patch) ? 'object' : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${found} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  const root = { document: cloneJson(target) };
  for (const operation of patch as Operation[]) apply(root, operation);
  return root.document;
}

function apply(root: { document: unknown }, { op, path, from, value }: Operation): void {
  const place = pointer(path);
  switch (op) {
    case 'add':
      put(root, place, cloneJson(value), 'insert');
      break;
    case 'replace':
      // Recorded: replacing a key that is missing adds it.
      put(root, place, cloneJson(value), 'replace');
      break;
    case 'remove':
      take(root, place);
      break;
    case 'test':
      if (!equalJson(read(root, place), value)) throw rejected();
      break;
    case 'move':
      put(root, place, take(root, pointer(from)), 'insert');
      break;
    case 'copy':
      put(root, place, cloneJson(read(root, pointer(from))), 'insert');
      break;
    default:
      throw rejected();
  }
}

function pointer(path: unknown): string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) throw rejected();
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function parentOf(root: { document: unknown }, place: readonly string[]): { parent: unknown; key: string } {
  let parent: unknown = root.document;
  for (const key of place.slice(0, -1)) parent = child(parent, key);
  return { parent, key: place.at(-1)! };
}

function child(parent: unknown, key: string): unknown {
  const found = Array.isArray(parent)
    ? (parent as unknown[])[indexIn(parent, key)]
    : isMap(parent)
      ? parent[key]
      : undefined;
  if (found === undefined) throw rejected();
  return found;
}

function indexIn(list: readonly unknown[], key: string, atMost = list.length - 1): number {
  const index = Number(key);
  if (!/^\d+$/.test(key) || index > atMost) throw rejected();
  return index;
}

function read(root: { document: unknown }, place: readonly string[]): unknown {
  return place.reduce(child, root.document);
}

function put(root: { document: unknown }, place: readonly string[], value: unknown, how: 'insert' | 'replace'): void {
  if (place.length === 0) {
    root.document = value;
    return;
  }
  const { parent, key } = parentOf(root, place);
  if (Array.isArray(parent)) {
    if (how === 'replace') parent[indexIn(parent, key)] = value;
    else if (key === '-') parent.push(value);
    else parent.splice(indexIn(parent, key, parent.length), 0, value);
  } else if (isMap(parent)) parent[key] = value;
  else throw rejected();
}

function take(root: { document: unknown }, place: readonly string[]): unknown {
  if (place.length === 0) throw rejected();
  const { parent, key } = parentOf(root, place);
  const value = child(parent, key);
  if (Array.isArray(parent)) parent.splice(indexIn(parent, key), 1);
  else if (isMap(parent)) delete parent[key];
  return value;
}
