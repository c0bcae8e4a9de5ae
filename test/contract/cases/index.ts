/** All cases of the contract. */
import type { Case } from '../contract.ts';
import { DEFINITIONS } from './definitions.ts';
import { LISTS } from './lists.ts';
import { OBJECTS } from './objects.ts';
import { PATCHES } from './patches.ts';
import { WORKLOADS } from './workloads.ts';

export const CASES: readonly Case[] = [...OBJECTS, ...PATCHES, ...LISTS, ...WORKLOADS, ...DEFINITIONS];
