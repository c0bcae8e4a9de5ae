/** The CNI directory of a node as the runtime sees it. */
import { CNI_DIRECTORY, isCniConfig } from '../cni/leftovers.ts';
import { bounded } from './bounded.ts';
import type { CniDirectory } from './found.ts';
import { nodeNames, type Rehearsal } from './rehearsal.ts';

/** Commands on nodes at the same time. */
const PARALLEL = 16;

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

/** The directories of all nodes, in the order of migration. */
export async function readCniDirectories(rehearsal: Rehearsal): Promise<[string, CniDirectory][]> {
  return bounded(nodeNames(rehearsal), PARALLEL, async (node) => [node, await readCniDirectory(rehearsal, node)]);
}

/** The configuration that the runtime uses: the first by name. */
export function activeConfig(files: Iterable<string>): string | undefined {
  return [...files].filter(isCniConfig).sort()[0];
}
