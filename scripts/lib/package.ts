/** What is in the package, and what its package.json says. Pure. */

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license?: string;
  readonly repository?: unknown;
}

/** Files and directories of a clone that the package has, at the same places; dist, made for it, has what runs and finds its data from there. */
export const PACKAGED = ['LICENSE', 'README.md', 'bin/rehearse.mjs', 'data', 'docs', 'scenarios'] as const;

/**
 * Everything that runs is bundled, so the package depends on nothing and has no script; what sets up, checks and builds a clone
 * is left behind.
 */
export function packagedManifest({ name, version, description, license, repository }: Manifest): object {
  return {
    ...{ name, version, description, license, repository },
    type: 'module',
    bin: { rehearse: 'bin/rehearse.mjs' },
    engines: { node: '>=24' },
  };
}
