/** The CNI directory of a node as the runtime sees it. */
import { CNI_DIRECTORY, isCniConfig } from '../cni/leftovers.ts';
import type { CniDirectory } from './found.ts';
import type { Rehearsal } from './rehearsal.ts';

/**
 * Names, and the contents of those files that are configurations. Others (`calico-kubeconfig`) are there or not: their
 * contents change by themselves, as tokens are renewed.
 */
export async function readCniDirectory({ commands }: Pick<Rehearsal, 'commands'>, node: string): Promise<CniDirectory> {
  const files = new Map<string, string>();
  for (const name of await commands.cniFiles(node)) {
    files.set(name, isCniConfig(name) ? await commands.readFile(node, `${CNI_DIRECTORY}/${name}`) : '');
  }
  return files;
}

/** The configuration that the runtime uses: the first by name. */
export function activeConfig(files: Iterable<string>): string | undefined {
  return [...files].filter(isCniConfig).sort()[0];
}
