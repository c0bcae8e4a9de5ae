/** The types that the platform tests use, from their two homes. */
export type * from '../../../src/kube/objects.ts';
export type { Machine } from '../../../src/twin/world.ts';
