/** Who owns which field: metadata.managedFields, kept for writes that come through the API. */
import type { KubeObject } from '../../kube/objects.ts';
import { changes, difference, type FieldSet, isEmpty, union } from './field-set.ts';
import type { JsonMap } from './json.ts';
import type { ApplyTopology } from './topology.ts';

export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string;
}

export interface ManagedEntry extends Manager {
  readonly time: string;
  readonly fieldsType: 'FieldsV1';
  readonly fieldsV1: FieldSet;
}

/** The entries of an object; a patch may have cleared them with `[{}]`. */
export function entriesOf(object: KubeObject): ManagedEntry[] {
  const entries = (object.metadata.managedFields ?? []) as unknown as ManagedEntry[];
  return entries.filter((entry) => entry.manager !== undefined && entry.fieldsV1 !== undefined);
}

export const sameManager = (a: Manager, b: Manager): boolean =>
  a.manager === b.manager && a.operation === b.operation && (a.subresource ?? '') === (b.subresource ?? '');

/** Metadata that the server writes and nobody owns. */
const UNOWNED = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
];

/** The part of an object that can be owned. */
export function ownable(object: KubeObject): JsonMap {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const kept: JsonMap = { ...(metadata as JsonMap) };
  for (const field of UNOWNED) delete kept[field];
  return Object.keys(kept).length > 0 ? { metadata: kept, ...rest } : rest;
}

/** The object with these entries; without the field when there are none. */
export function withEntries(object: KubeObject, entries: readonly ManagedEntry[]): KubeObject {
  const filled = entries.filter((entry) => !isEmpty(entry.fieldsV1));
  const metadata = { ...object.metadata, managedFields: filled.length > 0 ? filled : undefined };
  return { ...object, metadata: metadata as unknown as KubeObject['metadata'] };
}

export interface UpdateBy {
  readonly manager: Manager;
  readonly now: string;
  readonly topology: ApplyTopology;
}

/** An object after a create, update or patch: what changed belongs to the writer, and to nobody else any more. */
export function ownUpdate(before: KubeObject | undefined, after: KubeObject, by: UpdateBy): KubeObject {
  const { changed, removed } = changes(before === undefined ? {} : ownable(before), ownable(after), by.topology);
  // A write may bring its own bookkeeping, which then counts; `[{}]` clears it (recorded).
  const sent = after.metadata.managedFields ?? [];
  if (sent.length === 1 && isEmpty((sent[0] ?? {}) as FieldSet)) return withEntries(after, []);
  const known =
    sent.length > 0 && before !== undefined ? entriesOf(after) : before === undefined ? [] : entriesOf(before);
  // An object of which nobody kept book stays so until somebody applies (apimachinery, skipnonapplied.go; recorded: node-status-put).
  if (before !== undefined && known.length === 0) return withEntries(after, []);
  if (isEmpty(changed) && isEmpty(removed)) return withEntries(after, known);
  const gone = union(changed, removed);
  const others = known
    .filter((entry) => !sameManager(entry, by.manager))
    .map((entry) => ({ ...entry, fieldsV1: difference(entry.fieldsV1, gone) }));
  const own = known.find((entry) => sameManager(entry, by.manager));
  const fieldsV1 = union(own === undefined ? {} : difference(own.fieldsV1, removed), changed);
  const entry: ManagedEntry = { ...by.manager, time: by.now, fieldsType: 'FieldsV1', fieldsV1 };
  return withEntries(after, [...others, entry]);
}
