/** May a change be merged? Pure. */

/**
 * Every job that the gate needs and that did not succeed, with how it ended; empty: merge. A skipped job has tested nothing.
 * @param needs the context `needs` of GitHub: job id to `{result}`
 */
export function notGreen(needs: Readonly<Record<string, { readonly result?: string }>>): string[] {
  return Object.entries(needs)
    .filter(([, { result }]) => result !== 'success')
    .map(([job, { result }]) => `${job}: ${result ?? 'unknown'}`);
}
