/**
 * Server-side apply: the applied fields are merged in, those that the applier has dropped are taken out unless somebody
 * else owns them, and a field that somebody else owns with another value is a conflict, or taken over with force
 * (structured-merge-diff v6; recorded in file 03).
 */
import type { KubeObject } from '../../kube/objects.ts';
import {
  changes,
  difference,
  elementKey,
  fieldsOf,
  flat,
  leaves,
  members,
  placeText,
  setOf,
  touches,
} from './field-set.ts';
import { cloneJson, equalJson, isMap, type JsonMap } from './json.ts';
import { upgradable, withLastApplied } from './last-applied.ts';
import { entriesOf, type ManagedEntry, type Manager, ownable, sameManager, withEntries } from './managed-fields.ts';
import { StatusError } from './status.ts';
import type { ApplyTopology, FieldPath } from './topology.ts';

export interface ApplyBy {
  readonly manager: Manager;
  readonly force: boolean;
  readonly now: string;
  readonly topology: ApplyTopology;
}

/** The new object for an apply on top of `current`. @throws StatusError 409 with the fields in conflict */
export function serverSideApply(current: KubeObject, applied: KubeObject, by: ApplyBy): KubeObject {
  const configuration = ownable(applied);
  const wanted = fieldsOf(configuration, by.topology);
  const known = entriesOf(current);
  const entries = known.length > 0 ? known : [beforeFirstApply(current, by)];
  const own = entries.find((entry) => sameManager(entry, by.manager));
  const others = entries.filter((entry) => !sameManager(entry, by.manager));

  const contested = conflicts(current, configuration, others, by.topology);
  const allowed = upgradable(current, by.manager.manager, by.topology);
  const forbidden = by.force ? [] : contested.filter((one) => !allowed(one.steps));
  if (forbidden.length > 0) throw conflictError(forbidden);
  const kept = others.map((entry) => {
    const lost = contested.filter((one) => one.entry === entry).map((one) => one.steps);
    return lost.length === 0 ? entry : { ...entry, fieldsV1: difference(entry.fieldsV1, setOf(lost)) };
  });

  let merged = mergeApplied(ownable(current), configuration, [], by.topology) as JsonMap;
  if (own !== undefined) {
    const dropped = leaves(difference(own.fieldsV1, wanted)).filter(
      // A map of which fields are still applied stays, even if the old books name the map itself (recorded: apply-cr-server-side).
      (steps) => !touches(wanted, steps) && !kept.some((entry) => touches(entry.fieldsV1, steps)),
    );
    // A list element goes whole before its fields are looked at: without its key it would not be found.
    for (const steps of dropped.sort((a, b) => a.length - b.length)) {
      merged = removeAt(merged, steps, [], by.topology) as JsonMap;
    }
  }
  const entry: ManagedEntry =
    own !== undefined && equalJson(own.fieldsV1, wanted)
      ? own
      : { ...by.manager, time: by.now, fieldsType: 'FieldsV1', fieldsV1: wanted };
  const object = assemble(current, merged);
  const changed = !equalJson(ownable(current), merged);
  const stamped = changed && entry === own ? { ...entry, time: by.now } : entry;
  return withEntries(withLastApplied(object, applied, by.manager.manager), sorted([...kept, stamped], entries));
}

/** What an object without bookkeeping holds belongs to nobody known: an apply of other values is a conflict (skipnonapplied.go). */
function beforeFirstApply(current: KubeObject, by: ApplyBy): ManagedEntry {
  const manager = { manager: 'before-first-apply', operation: 'Update', apiVersion: by.manager.apiVersion } as const;
  const { changed } = changes({}, ownable(current), by.topology);
  return { ...manager, time: by.now, fieldsType: 'FieldsV1', fieldsV1: changed };
}

/** The managedFields of an object that an apply creates. */
export function applyCreated(applied: KubeObject, by: ApplyBy): KubeObject {
  const fieldsV1 = fieldsOf(ownable(applied), by.topology);
  return withEntries(applied, [{ ...by.manager, time: by.now, fieldsType: 'FieldsV1', fieldsV1 }]);
}

/** Entries keep their place; new ones follow. */
function sorted(entries: ManagedEntry[], before: readonly ManagedEntry[]): ManagedEntry[] {
  const place = (entry: ManagedEntry): number => {
    const at = before.findIndex((one) => sameManager(one, entry));
    return at < 0 ? before.length : at;
  };
  return entries.sort((a, b) => place(a) - place(b));
}

function assemble(current: KubeObject, merged: JsonMap): KubeObject {
  const { metadata: added, ...rest } = merged;
  const metadata: JsonMap = { ...(current.metadata as JsonMap) };
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences']) delete metadata[field];
  return {
    kind: current.kind,
    apiVersion: current.apiVersion,
    metadata: { ...metadata, ...(added as JsonMap | undefined) },
    ...rest,
  } as KubeObject;
}

interface Contested {
  readonly entry: ManagedEntry;
  readonly steps: string[];
}

function conflicts(
  current: KubeObject,
  configuration: JsonMap,
  others: readonly ManagedEntry[],
  topology: ApplyTopology,
): Contested[] {
  const now = flat(ownable(current), topology);
  const wanted = flat(configuration, topology);
  const order = leaves(setOf([...wanted.values()].map((leaf) => leaf.steps)));
  const found: Contested[] = [];
  for (const entry of others) {
    for (const steps of order) {
      const place = steps.join('\n');
      const leaf = wanted.get(place);
      if (leaf === undefined || !touches(entry.fieldsV1, steps)) continue;
      const held = now.get(place);
      if (held === undefined || !equalJson(held.value, leaf.value)) found.push({ entry, steps });
    }
  }
  return found;
}

function conflictError(contested: readonly Contested[]): StatusError {
  const nameOf = ({ manager, operation, apiVersion }: ManagedEntry): string =>
    operation === 'Update' ? `${JSON.stringify(manager)} using ${apiVersion}` : JSON.stringify(manager);
  const causes = contested.map(({ entry, steps }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${nameOf(entry)}`,
    field: placeText(steps),
  }));
  const [first] = contested;
  const texts =
    contested.length === 1 && first !== undefined
      ? [`conflict with ${nameOf(first.entry)}: ${placeText(first.steps)}`]
      : [...new Set(contested.map((one) => one.entry))].flatMap((entry) => [
          `conflicts with ${nameOf(entry)}:`,
          ...contested.filter((one) => one.entry === entry).map((one) => `- ${placeText(one.steps)}`),
        ]);
  const count = contested.length === 1 ? '1 conflict' : `${contested.length} conflicts`;
  return new StatusError(409, 'Conflict', `Apply failed with ${count}: ${texts.join('\n')}`, { causes });
}

function mergeApplied(current: unknown, applied: unknown, path: FieldPath, topology: ApplyTopology): unknown {
  const type = topology(path, applied);
  if (type.type === 'atomic') return cloneJson(applied);
  if (type.type === 'granular') {
    const result: JsonMap = isMap(current) ? { ...current } : {};
    for (const [key, value] of Object.entries(applied as JsonMap)) {
      result[key] = mergeApplied(result[key], value, [...path, key], topology);
    }
    return result;
  }
  const old: unknown[] = Array.isArray(current) ? [...(current as unknown[])] : [];
  for (const item of applied as unknown[]) {
    if (type.type === 'set') {
      if (!old.some((one) => equalJson(one, item))) old.push(item);
      continue;
    }
    const key = elementKey(type, item);
    const at = old.findIndex((one) => elementKey(type, one) === key);
    if (at < 0) old.push(mergeApplied({}, item, path, topology));
    else old[at] = mergeApplied(old[at], item, path, topology);
  }
  return old;
}

/** The value without the place; maps and lists that become empty by it go too. */
function removeAt(value: unknown, steps: readonly string[], path: FieldPath, topology: ApplyTopology): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return undefined;
  if (step.startsWith('f:')) {
    const key = step.slice(2);
    if (!isMap(value) || !(key in value)) return value;
    const { [key]: field, ...others } = value;
    const left = rest.length === 0 ? undefined : removeAt(field, rest, [...path, key], topology);
    if (left === undefined || (isHollow(left) && !isHollow(field))) return others;
    return { ...value, [key]: left };
  }
  if (!Array.isArray(value)) return value;
  const below = members(value, path, topology) ?? [];
  return (value as unknown[]).flatMap((item, index) => {
    if (below[index]?.step !== step) return [item];
    if (rest.length === 0) return [];
    return [removeAt(item, rest, path, topology)];
  });
}

const isHollow = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
