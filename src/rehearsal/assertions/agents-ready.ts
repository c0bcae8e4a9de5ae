/** One Ready agent (and envoy, where there is one) of the current generation on every node. */
import { AGENT, ENVOY, hasEnvoy } from '../../cni/cilium.ts';
import type { DaemonSet, Pod } from '../../kube/objects.ts';
import { daemonSets, pods } from '../../kube/resources.ts';
import { find } from '../patient-api.ts';
import { nodeNames } from '../rehearsal.ts';
import { daemonSetPending, isReady, whyNotReady } from '../rollout.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

const ID = 'agents-ready';

/** What is wrong with a DaemonSet that must have one Ready pod on each of these nodes. */
export function daemonProblems(
  name: string,
  set: DaemonSet | undefined,
  owned: readonly Pod[],
  nodes: readonly string[],
): Problem[] {
  const problems = nodes.flatMap((node): Problem[] => {
    const here = owned.filter((pod) => pod.spec?.nodeName === node && pod.metadata.deletionTimestamp === undefined);
    if (here.length === 0) return [{ subject: node, text: `no pod of ${name}` }];
    const unready = here.filter((pod) => !isReady(pod));
    return unready.map((pod) => ({ subject: node, text: `${pod.metadata.name} is not Ready: ${whyNotReady(pod)}` }));
  });
  const pending = daemonSetPending(set, nodes.length);
  return problems.length === 0 && pending !== null ? [{ subject: name, text: pending }] : problems;
}

export const agentsReady: Assertion = async (rehearsal) => {
  const { rawApi, scenario, found } = rehearsal;
  const nodes = nodeNames(rehearsal);
  const sets = [AGENT, ...(hasEnvoy(scenario.cilium.version, found.values) ? [ENVOY] : [])];
  const problems: Problem[] = [];
  for (const ref of sets) {
    const set = await find(rawApi, daemonSets, ref);
    const labels = Object.entries(set?.spec?.selector.matchLabels ?? {});
    const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(',');
    const owned = set ? (await rawApi.list(pods, { namespace: ref.namespace, labelSelector })).items : [];
    problems.push(...daemonProblems(ref.name, set, owned, nodes));
  }
  const names = sets.map(({ name }) => name).join(' and ');
  return judged(ID, `one Ready pod of ${names} on every node`, problems, `${nodes.length} nodes have theirs`);
};
