/**
 * With which Kubernetes minors the projects test their release lines. Outside of a range a combination may work all the same,
 * so it is called untested and nothing more (cilium Documentation/network/kubernetes/compatibility.rst says so of its own list).
 */
import semver from 'semver';

export interface TestedWith {
  /** Minor of Cilium or Calico. */
  readonly line: string;
  /** First and last Kubernetes minor, as in 1.N; undefined: that end was not found. */
  readonly from?: number;
  readonly to?: number;
  /** Project, file and version. */
  readonly source: string;
}

export const CILIUM_TESTED_WITH: readonly TestedWith[] = [
  { line: '1.14', from: 19, to: 27, source: 'cilium Documentation, July 2023' },
  { line: '1.15', from: 26, to: 29, source: 'cilium v1.15 Documentation, Kubernetes compatibility' },
  { line: '1.16', from: 27, to: 30, source: 'cilium v1.16 Documentation' },
  { line: '1.17', from: 29, to: 32, source: 'cilium v1.17 Documentation' },
  { line: '1.18', from: 30, to: 33, source: 'cilium v1.18 Documentation' },
  { line: '1.19', from: 31, to: 34, source: 'cilium v1.19 Documentation' },
  { line: '1.20', to: 35, source: 'cilium pull 44516; the lower end was not found' },
];

export const CALICO_TESTED_WITH: readonly TestedWith[] = [
  { line: '3.25', from: 23, to: 28, source: 'tigera/docs version-3.25 requirements.mdx' },
  { line: '3.28', from: 27, to: 30, source: 'tigera/docs version-3.28 requirements.mdx' },
  { line: '3.29', from: 29, to: 32, source: 'projectcalico/calico discussion 11717' },
  {
    line: '3.31',
    from: 32,
    to: 35,
    source:
      'projectcalico/calico discussion 11717; the upper end from release notes that quote the vendor (Rusty-Gopher/kupre v0.5.0)',
  },
  { line: '3.32', from: 34, to: 36, source: 'release notes that quote the vendor (Rusty-Gopher/kupre v0.5.0)' },
];

/**
 * The row of a version's line; undefined: its range was not found, and nothing can be said of it. A pre-release counts as its
 * line.
 */
export function testedWith(table: readonly TestedWith[], version: string): TestedWith | undefined {
  const parsed = semver.coerce(version);
  return parsed === null ? undefined : table.find(({ line }) => line === `${parsed.major}.${parsed.minor}`);
}

/** Where a Kubernetes version lies to a row's range. */
export function placeIn(row: TestedWith, kubernetes: string): 'below' | 'within' | 'above' {
  const minor = semver.coerce(kubernetes)?.minor ?? Number.NaN;
  if (row.from !== undefined && minor < row.from) return 'below';
  return row.to !== undefined && minor > row.to ? 'above' : 'within';
}

/** `1.31 to 1.34`, or `up to 1.35`. */
export function rangeText({ from, to }: TestedWith): string {
  if (from === undefined) return to === undefined ? 'any' : `up to 1.${to}`;
  return to === undefined ? `1.${from} and newer` : `1.${from} to 1.${to}`;
}
