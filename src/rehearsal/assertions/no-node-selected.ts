/** No CiliumNodeConfig matches a node yet. */
import { ciliumNodeConfigs } from '../../cni/resources.ts';
import { nodes } from '../../kube/resources.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

/** An empty selector matches every node, an absent one none. */
function selects(
  selector: { matchLabels?: Record<string, string> } | undefined,
  labels: Record<string, string>,
): boolean {
  if (selector === undefined) return false;
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}

export const noNodeSelected: Assertion = async ({ rawApi, found }) => {
  const version = found.nodeConfigVersion;
  const configs = version === null ? [] : (await rawApi.list(ciliumNodeConfigs(version))).items;
  const list = (await rawApi.list(nodes)).items;
  const problems = configs.flatMap((config): Problem[] => {
    const spec = config.spec as { nodeSelector?: { matchLabels?: Record<string, string> } } | undefined;
    return list
      .filter((node) => selects(spec?.nodeSelector, node.metadata.labels ?? {}))
      .map((node) => ({ subject: node.metadata.name, text: `selected by CiliumNodeConfig ${config.metadata.name}` }));
  });
  return judged(
    'no-node-selected',
    'no node is selected by a CiliumNodeConfig',
    problems,
    `${list.length} nodes, none`,
  );
};
