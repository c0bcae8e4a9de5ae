/** All cases of the contract. */
import type { Case } from '../contract.ts';
import { DEFINITIONS } from './definitions.ts';
import { LISTS } from './lists.ts';
import { OBJECTS_WITH_MISTAKES } from './mistakes.ts';
import { OBJECTS } from './objects.ts';
import { ONLOOKERS } from './onlookers.ts';
import { PATCHES } from './patches.ts';
import { WORKLOADS } from './workloads.ts';

export const CASES: readonly Case[] = [
  ...OBJECTS,
  ...OBJECTS_WITH_MISTAKES,
  ...PATCHES,
  ...LISTS,
  ...WORKLOADS,
  ...DEFINITIONS,
  ...ONLOOKERS,
];
