/** A fact of a CNI that holds for a range of its versions, with the place where it was read. */
import semver from 'semver';

export interface Fact<T> {
  /** First version for which it holds; left out: from the oldest that we support. */
  readonly since?: string;
  /** First version for which it holds no more. */
  readonly until?: string;
  readonly value: T;
  /** Project, file and version, or `observed`. */
  readonly source: string;
}

/**
 * The value that holds for a version; pre-releases count as their minor.
 * @throws Error when none or more than one holds: a gap or an overlap in the table, which is a bug.
 */
export function factFor<T>(facts: readonly Fact<T>[], version: string, what: string): T {
  const plain = semver.coerce(version);
  if (!plain) throw new Error(`not a version: ${version}`);
  const holding = facts.filter(
    (fact) =>
      (fact.since === undefined || semver.gte(plain, fact.since)) &&
      (fact.until === undefined || semver.lt(plain, fact.until)),
  );
  if (holding.length !== 1) throw new Error(`${what}: ${holding.length} facts hold for ${version}`);
  return holding[0]!.value;
}
