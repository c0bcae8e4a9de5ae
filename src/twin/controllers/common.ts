/** Small helpers that every controller needs: keys, timestamps, conditions, owners. */

import type { Condition, KubeObject, ObjectMeta } from '../../kube/objects.ts';
import { cloneJson } from '../api/json.ts';

/** Who owns an object; as in metadata.ownerReferences. */
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

type WithMeta = { readonly metadata: ObjectMeta };

/** `namespace/name`, or `name` for cluster-scoped objects. */
export const keyOf = (object: WithMeta): string =>
  object.metadata.namespace === undefined
    ? (object.metadata.name ?? '')
    : `${object.metadata.namespace}/${object.metadata.name ?? ''}`;

/** The reverse of {@link keyOf}. */
export function refOf(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** RFC 3339 in whole seconds, as the API writes times. */
export const stamp = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;

/** RFC 3339 with microseconds, as leases and event times are written. */
export const microStamp = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('Z', '000Z');

/** The controlling owner, if any. */
export const controllerOf = (object: WithMeta) => object.metadata.ownerReferences?.find((owner) => owner.controller);

export const ownedBy = (object: WithMeta, uid: string | undefined): boolean => controllerOf(object)?.uid === uid;

/** The ownerReference of a controller to what it makes. */
export const controllerReference = (owner: Owner) => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.name,
  uid: owner.uid,
  controller: true,
  blockOwnerDeletion: true,
});

export const equal = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

const CANONICAL = new WeakMap<object, string>();

/** {@link canonical} of a part of an object in the store, which never changes: kept as long as that part lives. */
export function canonicalOf(part: object): string {
  let text = CANONICAL.get(part);
  if (text === undefined) {
    text = canonical(part);
    CANONICAL.set(part, text);
  }
  return text;
}

/** JSON with sorted keys: equal values give equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

export const clone = <T>(value: T): T => cloneJson(value);

interface AnyCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export const conditionOf = <C extends { type: string }>(conditions: readonly C[] | undefined, type: string) =>
  conditions?.find((condition) => condition.type === type);

/** Sets a condition in place; lastTransitionTime moves only with the status. Returns whether anything changed. */
export function setCondition(conditions: AnyCondition[], wanted: AnyCondition, now: number): boolean {
  const existing = conditions.find((condition) => condition.type === wanted.type);
  if (existing === undefined) {
    conditions.push({ ...wanted, lastTransitionTime: stamp(now) });
    return true;
  }
  const flipped = existing.status !== wanted.status;
  if (!flipped && existing.reason === wanted.reason && existing.message === wanted.message) return false;
  Object.assign(existing, wanted);
  if (flipped) existing.lastTransitionTime = stamp(now);
  return true;
}

/** The conditions of a draft's status, made when there are none. */
export function conditionsIn<C>(draft: { status?: { conditions?: C[] } }): C[] {
  draft.status ??= {};
  draft.status.conditions ??= [];
  return draft.status.conditions;
}

/** A field that the API leaves out when it is 0 (Go's omitempty). */
export const omitZero = (value: number): number | undefined => (value === 0 ? undefined : value);

/** An absolute number or a percentage of `total`; percentages round as asked. */
export function scaled(value: number | string | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const percent = (Number.parseFloat(value) * total) / 100;
  return round === 'up' ? Math.ceil(percent) : Math.floor(percent);
}

/** Minor version of `1.34.11`. */
export const minorOf = (version: string): number => Number(version.split('.')[1] ?? '0');

export type { Condition, KubeObject };
