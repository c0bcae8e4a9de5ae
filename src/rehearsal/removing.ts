/** What the steps of a removal share. */
import type { Resource } from '../kube/api.ts';
import { unlessNotFound } from './patient-api.ts';
import type { Rehearsal } from './rehearsal.ts';

/** Deletes an object in the background and says so; one that is gone already is fine. */
export async function drop<T>(
  rehearsal: Rehearsal,
  resource: Resource<T>,
  name: string,
  namespace?: string,
): Promise<void> {
  const ref = { name, ...(namespace === undefined ? {} : { namespace }) };
  await unlessNotFound(() => rehearsal.api.delete(resource, ref, { propagation: 'Background' }));
  rehearsal.journal.changed('deleted', `${resource.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`);
}

/** Does `beside` while `work` is under way; it ends with it, and its own failure only ends itself. */
export async function besides(
  rehearsal: Rehearsal,
  beside: (rehearsal: Rehearsal, signal: AbortSignal) => Promise<void>,
  work: () => Promise<unknown>,
): Promise<void> {
  const done = new AbortController();
  const aside = beside(rehearsal, done.signal).catch(() => undefined);
  try {
    await work();
  } finally {
    done.abort(new Error('no longer needed'));
    await aside;
  }
}
