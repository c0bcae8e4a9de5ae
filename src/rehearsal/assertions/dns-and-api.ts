/**
 * Every node's pods resolve a name and reach the API's Service, and nobody but us replaces CoreDNS's pods: Cilium's
 * unmanaged-pod watcher, turned on too early, deletes them one by one for ever without a failing probe (observed).
 */
import { dnsPodUids } from '../dns-pods.ts';
import { nodeNames } from '../rehearsal.ts';
import { type Assertion, judged, type Problem, unknown } from './assertion.ts';

const ID = 'dns-and-api';
const EXPECTED =
  "servicepinger on every node resolves the API's name and opens its Service; CoreDNS's pods are not replaced";

/** Uids that were known, are gone, and were not removed by us. The ledger takes in what is new. */
export function replacedByOthers(
  known: Set<string>,
  now: readonly string[],
  removedByUs: ReadonlySet<string>,
): string[] {
  const present = new Set(now);
  const gone = [...known].filter((uid) => !present.has(uid) && !removedByUs.has(uid));
  for (const uid of now) known.add(uid);
  return gone;
}

export const dnsAndApi: Assertion = async (rehearsal, _checkpoint, { since }) => {
  const { observer, found, journal, rawApi } = rehearsal;
  const states = observer.services(since);
  const problems: Problem[] = [];
  const open: Problem[] = [];
  for (const node of nodeNames(rehearsal)) {
    const here = states.filter(({ instance }) => instance.node === node);
    if (here.length === 0) open.push({ subject: node, text: 'no servicepinger was read' });
    for (const { state, error } of here) {
      if (state === 'unhealthy') problems.push({ subject: node, text: error });
      if (state === 'unknown') open.push({ subject: node, text: error || 'not measured' });
    }
  }
  if (found.dnsPods !== null) {
    const gone = replacedByOthers(found.dnsPods, await dnsPodUids({ api: rawApi }), journal.removedPods);
    if (gone.length > 0) {
      problems.push({ subject: 'coredns', text: `${gone.length} pods were replaced by others than this rehearsal` });
    }
  }
  if (problems.length === 0 && open.length > 0) return unknown(ID, EXPECTED, open);
  return judged(ID, EXPECTED, problems, `${states.length} nodes do`);
};
