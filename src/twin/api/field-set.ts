/**
 * Sets of field paths as managedFields writes them (FieldsV1): `f:name` a field, `k:{..}` an element of a keyed list,
 * `v:..` an element of a set, `.` the place itself. A leaf is an empty map.
 */
import { equalJson, isMap, type JsonMap } from './json.ts';
import type { ApplyTopology, ApplyType, FieldPath } from './topology.ts';

export interface FieldSet {
  [step: string]: FieldSet;
}

export const isEmpty = (set: FieldSet): boolean => Object.keys(set).length === 0;
const isLeaf = isEmpty;

/** Is the place itself in the set, not only something below it? */
const holdsItself = (set: FieldSet): boolean => isLeaf(set) || set['.'] !== undefined;

type Keyed = Extract<ApplyType, { type: 'map' }>;

/** `k:{"name":"c"}` of a list element. */
export function elementKey(type: Keyed, item: unknown): string {
  const element = isMap(item) ? item : {};
  const key: JsonMap = {};
  for (const name of [...type.keys].sort()) key[name] = element[name] ?? type.defaults[name];
  return `k:${JSON.stringify(key)}`;
}

/** One element or field below a value, with the step that leads to it. */
export interface Member {
  readonly step: string;
  readonly value: unknown;
  readonly path: FieldPath;
}

/** What lies below a value for server-side apply; undefined when it is a leaf. */
export function members(value: unknown, path: FieldPath, topology: ApplyTopology): Member[] | undefined {
  const type = topology(path, value);
  switch (type.type) {
    case 'atomic':
      return undefined;
    case 'granular':
      return Object.entries(value as JsonMap).map(([key, field]) => ({
        step: `f:${key}`,
        value: field,
        path: [...path, key],
      }));
    case 'set':
      return (value as unknown[]).map((item) => ({ step: `v:${JSON.stringify(item)}`, value: item, path }));
    case 'map':
      return (value as unknown[]).map((item) => ({ step: elementKey(type, item), value: item, path }));
    default:
      return type satisfies never;
  }
}

/** All fields of a value. */
export function fieldsOf(value: unknown, topology: ApplyTopology, path: FieldPath = []): FieldSet {
  const below = members(value, path, topology);
  const set: FieldSet = {};
  for (const member of below ?? []) {
    if (member.step.startsWith('v:')) set[member.step] = {};
    else if (member.step.startsWith('k:')) {
      set[member.step] = { '.': {}, ...fieldsOf(member.value, topology, member.path) };
    } else set[member.step] = fieldsOf(member.value, topology, member.path);
  }
  return set;
}

/** Everything in one of the two. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = { ...a };
  for (const [step, below] of Object.entries(b)) {
    const old = result[step];
    if (old === undefined) result[step] = below;
    else if (isLeaf(old) !== isLeaf(below)) {
      const inner = isLeaf(old) ? below : old;
      result[step] = step === '.' ? {} : { '.': {}, ...inner };
    } else result[step] = union(old, below);
  }
  return result;
}

/** What is in `a` and not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [step, below] of Object.entries(a)) {
    const other = b[step];
    if (other === undefined) result[step] = below;
    else if (isLeaf(below)) {
      if (!holdsItself(other)) result[step] = below;
    } else {
      const rest = isLeaf(other) ? difference(below, { '.': {} }) : difference(below, other);
      // Of a place of which nothing but itself is left, a leaf is written.
      if (!isEmpty(rest)) result[step] = Object.keys(rest).join() === '.' ? {} : rest;
    }
  }
  return result;
}

/** Is a place, given by its steps, in the set or above something in it? */
export function touches(set: FieldSet, steps: readonly string[]): boolean {
  let at: FieldSet | undefined = set;
  for (const step of steps) {
    at = at[step];
    if (at === undefined) return false;
  }
  return true;
}

/** The leaves, each as its steps: the leaves of a level before what lies deeper, as messages list them. */
export function leaves(set: FieldSet, steps: readonly string[] = []): string[][] {
  const here: string[][] = [];
  const deeper: string[][] = [];
  for (const [step, below] of Object.entries(set).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (step === '.') continue;
    if (isLeaf(below)) here.push([...steps, step]);
    else {
      if (below['.'] !== undefined) here.push([...steps, step]);
      deeper.push(...leaves(below, [...steps, step]));
    }
  }
  return [...here, ...deeper];
}

/** The set that holds exactly these places. */
export function setOf(places: readonly (readonly string[])[]): FieldSet {
  let result: FieldSet = {};
  for (const steps of places) {
    let one: FieldSet = {};
    for (const step of [...steps].reverse()) one = { [step]: one };
    result = union(result, one);
  }
  return result;
}

/** `.spec.containers[name="c1"].image`: a place as messages write it. */
export function placeText(steps: readonly string[]): string {
  return steps
    .map((step) => {
      const rest = step.slice(2);
      if (step.startsWith('f:')) return `.${rest}`;
      if (step.startsWith('v:')) return `[=${rest}]`;
      const key = JSON.parse(rest) as JsonMap;
      return `[${Object.entries(key)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
}

/** The fields that differ between two values: set or changed in `after`, and gone from it. */
export function changes(
  before: unknown,
  after: unknown,
  topology: ApplyTopology,
): { readonly changed: FieldSet; readonly removed: FieldSet } {
  const old = flat(before, topology);
  const now = flat(after, topology);
  const changed = [...now].filter(([place, { value }]) => !old.has(place) || !equalJson(old.get(place)!.value, value));
  const removed = [...old].filter(([place]) => !now.has(place));
  return {
    changed: setOf(changed.map(([, { steps }]) => steps)),
    removed: setOf(removed.map(([, { steps }]) => steps)),
  };
}

interface Leaf {
  readonly steps: string[];
  readonly value: unknown;
}

/** The leaves of a value with what they hold, by their place. */
export function flat(value: unknown, topology: ApplyTopology): Map<string, Leaf> {
  const found = new Map<string, Leaf>();
  const walk = (at: unknown, path: FieldPath, steps: string[]): void => {
    const below = members(at, path, topology);
    if (below === undefined) {
      found.set(steps.join('\n'), { steps, value: at });
      return;
    }
    // A map or list that comes into being is a place of its own, unless the Go type has it even when it is empty.
    const element = steps.at(-1)?.startsWith('k:') === true;
    if (steps.length > 0 && (element || topology.standing?.(path) !== true)) {
      found.set(`${steps.join('\n')}\n.`, { steps, value: true });
    }
    for (const member of below) {
      const next = [...steps, member.step];
      if (member.step.startsWith('v:')) found.set(next.join('\n'), { steps: next, value: member.value });
      else walk(member.value, member.path, next);
    }
  };
  walk(value, [], []);
  return found;
}
