/** Which versions belong together in one job, and the Kubernetes that fits a pair of Cilium and Calico. */
import semver from 'semver';
import {
  CALICO_TESTED_WITH,
  CILIUM_TESTED_WITH,
  placeIn,
  rangeText,
  type TestedWith,
  testedWith,
} from '../cni/tested-with.ts';
import { minorOf } from './expression.ts';

/**
 * `tested`: both projects test their version with this Kubernetes. `unknown`: a range, or an end of it, was not found.
 * `untested`: outside of a range.
 */
export type Support = 'tested' | 'unknown' | 'untested';

export interface Pair {
  readonly cilium: string;
  readonly calico: string;
}

/** CiliumNodeConfig, by which single nodes are switched, is there from 1.13 on (cilium commit 884ccc1398). */
export const OLDEST_CILIUM = '1.13.0';

/** Why this Cilium cannot be migrated to node by node; undefined: it can. */
export function cannotMigrate(cilium: string): string | undefined {
  const plain = semver.coerce(cilium);
  if (plain !== null && semver.gte(plain, OLDEST_CILIUM)) return undefined;
  return `Cilium ${cilium} has no CiliumNodeConfig, by which nodes are switched one by one; it came with 1.13`;
}

export function supportOf(pair: Pair, kubernetes: string): Support {
  const rows = rowsOf(pair);
  if (rows.some(({ row }) => row !== undefined && placeIn(row, kubernetes) !== 'within')) return 'untested';
  return rows.every(({ row }) => row !== undefined && isSurelyTested(row, kubernetes)) ? 'tested' : 'unknown';
}

/** Of a range of which one end was not found only the other end itself is known. */
function isSurelyTested({ from, to }: TestedWith, kubernetes: string): boolean {
  if (from !== undefined && to !== undefined) return true;
  return semver.coerce(kubernetes)?.minor === (from ?? to);
}

/** Whose range a Kubernetes version is outside of, for people. */
export function whyUntested(pair: Pair, kubernetes: string): string {
  const outside = rowsOf(pair).filter(({ row }) => row !== undefined && placeIn(row, kubernetes) !== 'within');
  return `Kubernetes ${kubernetes} is outside of what is tested: ${outside.map(rangeOf).join(', ')}`;
}

/**
 * The Kubernetes of a pair when nobody asked for one: the preferred one if both projects test with it, else the newest that
 * both do; null, with the reason: there is none.
 * @param available versions that a cluster can be made of
 */
export function kubernetesFor(
  pair: Pair,
  preferred: string,
  available: readonly string[],
): { readonly version: string } | { readonly version: null; readonly reason: string } {
  const fits = (version: string): boolean => supportOf(pair, version) !== 'untested';
  if (fits(preferred)) return { version: preferred };
  const sorted = semver.rsort([...available]);
  const version = sorted.find((one) => supportOf(pair, one) === 'tested') ?? sorted.find(fits);
  if (version !== undefined) return { version };
  return {
    version: null,
    reason: `no Kubernetes of which a node image is known is tested with both: ${rowsOf(pair).map(rangeOf).join(', ')}`,
  };
}

interface Row {
  readonly name: string;
  readonly version: string;
  readonly row: TestedWith | undefined;
}

const rowsOf = ({ cilium, calico }: Pair): Row[] => [
  { name: 'Cilium', version: cilium, row: testedWith(CILIUM_TESTED_WITH, cilium) },
  { name: 'Calico', version: calico, row: testedWith(CALICO_TESTED_WITH, calico) },
];

const rangeOf = ({ name, version, row }: Row): string =>
  `${name} ${minorOf(version)} with ${row === undefined ? 'a range that was not found' : rangeText(row)}`;
