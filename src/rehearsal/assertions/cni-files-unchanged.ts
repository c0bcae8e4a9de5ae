/** On nodes that are not switched Calico's configuration is as it was after `prepared`. */
import { isCniConfig } from '../../cni/leftovers.ts';
import { bounded } from '../bounded.ts';
import { readCniDirectory } from '../cni-directory.ts';
import type { CniDirectory } from '../found.ts';
import { nodeNames } from '../rehearsal.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

/** More nodes than that are looked at in part: the next ones in the order of migration. */
const ALL_UP_TO = 20;
const PART = 5;
const PARALLEL = 8;

const CALICO_KUBECONFIG = 'calico-kubeconfig';

export function directoryProblems(node: string, before: CniDirectory, now: CniDirectory): Problem[] {
  const problems: Problem[] = [];
  // What is neither a configuration nor Calico's kubeconfig is read by no runtime (an editor's backup, a log).
  const counts = (name: string): boolean => isCniConfig(name) || name === CALICO_KUBECONFIG;
  for (const [name, content] of before) {
    if (!counts(name)) continue;
    if (!now.has(name)) problems.push({ subject: node, text: `${name} is gone` });
    else if (now.get(name) !== content) problems.push({ subject: node, text: `${name} has changed` });
  }
  for (const name of now.keys()) {
    if (counts(name) && !before.has(name)) problems.push({ subject: node, text: `${name} is new` });
  }
  return problems;
}

export const cniFilesUnchanged: Assertion = async (rehearsal) => {
  const { journal, found } = rehearsal;
  const waiting = nodeNames(rehearsal).filter((node) => {
    const stage = journal.inHand.get(node);
    return !journal.migrated.has(node) && stage !== 'labelled' && stage !== 'switched';
  });
  const all = waiting.length <= ALL_UP_TO || journal.phase === 'secondary';
  const looked = all ? waiting : waiting.slice(0, PART);
  const problems = await bounded(looked, PARALLEL, async (node) => {
    return directoryProblems(node, found.cniBefore.get(node) ?? new Map(), await readCniDirectory(rehearsal, node));
  });
  return judged(
    'cni-files-unchanged',
    'the CNI directory of every node that is not switched is as it was after `prepared`',
    problems.flat(),
    all ? `${looked.length} nodes unchanged` : `${looked.length} of ${waiting.length} nodes looked at, unchanged`,
  );
};
