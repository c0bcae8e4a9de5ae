/** No node is marked as without network; at the end it must be Cilium that says so. */
import { AGENT_NOT_READY_TAINT, NETWORK_UP_REASON } from '../../cni/cilium.ts';
import type { PlannedCheckpoint } from '../../events/events.ts';
import type { Node } from '../../kube/objects.ts';
import { nodes } from '../../kube/resources.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

const TAINTS = [AGENT_NOT_READY_TAINT, 'node.kubernetes.io/network-unavailable'];

/** From `finalized` on nobody but Cilium's operator may be left to clear the condition. */
const BY_CILIUM: readonly PlannedCheckpoint['phase'][] = ['finalize', 'remove', 'restart', 'verify'];

export function networkProblems(list: readonly Node[], byCilium: boolean): Problem[] {
  return list.flatMap(({ metadata, spec, status }): Problem[] => {
    const subject = metadata.name;
    const taints = (spec?.taints ?? []).filter(({ key }) => TAINTS.includes(key));
    const problems = taints.map(({ key, effect }): Problem => ({ subject, text: `taint ${key}:${effect}` }));
    const condition = status?.conditions?.find(({ type }) => type === 'NetworkUnavailable');
    if (condition?.status !== 'False') {
      const why = condition ? `${condition.status} (${condition.reason ?? ''})` : 'not set by anyone';
      problems.push({ subject, text: `NetworkUnavailable is ${why}` });
    } else if (byCilium && condition.reason !== NETWORK_UP_REASON) {
      problems.push({ subject, text: `NetworkUnavailable is False by ${condition.reason}, not ${NETWORK_UP_REASON}` });
    }
    return problems;
  });
}

export const networkAvailable: Assertion = async ({ rawApi }, checkpoint) => {
  const byCilium = BY_CILIUM.includes(checkpoint.phase);
  const list = (await rawApi.list(nodes)).items;
  return judged(
    'network-available',
    `NetworkUnavailable is False on every node${byCilium ? ` by ${NETWORK_UP_REASON}` : ''}, and no network taint`,
    networkProblems(list, byCilium),
    `${list.length} nodes are available`,
  );
};
