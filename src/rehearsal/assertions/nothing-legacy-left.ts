/** Nothing of Calico is left: no object of its API and no pod at `legacy-removed`, no kernel state on a restarted node. */
import { CALICO_APISERVICE, CALICO_NAMESPACES, isCalicoClusterRole, isCalicoCrdGroup } from '../../cni/calico.ts';
import { isCalicoCniFile, kernelLeftovers } from '../../cni/leftovers.ts';
import {
  apiServices,
  clusterRoleBindings,
  clusterRoles,
  customResourceDefinitions,
  namespaces,
  pods,
} from '../../kube/resources.ts';
import { bounded } from '../bounded.ts';
import { find } from '../patient-api.ts';
import { nodeNames, type Rehearsal } from '../rehearsal.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

const PARALLEL = 8;

async function objectsLeft({ rawApi }: Rehearsal): Promise<Problem[]> {
  const problems: Problem[] = [];
  const left = (subject: string): void => void problems.push({ subject, text: 'still exists' });
  for (const crd of (await rawApi.list(customResourceDefinitions)).items) {
    if (isCalicoCrdGroup(crd.spec.group)) left(`CustomResourceDefinition ${crd.metadata.name}`);
  }
  if (await find(rawApi, apiServices, { name: CALICO_APISERVICE })) left(`APIService ${CALICO_APISERVICE}`);
  for (const namespace of CALICO_NAMESPACES) {
    if (await find(rawApi, namespaces, { name: namespace })) left(`Namespace ${namespace}`);
    for (const pod of (await rawApi.list(pods, { namespace })).items) left(`Pod ${namespace}/${pod.metadata.name}`);
  }
  for (const resource of [clusterRoles, clusterRoleBindings]) {
    for (const { metadata } of (await rawApi.list(resource)).items) {
      if (isCalicoClusterRole(metadata.name)) left(`${resource.kind} ${metadata.name}`);
    }
  }
  return problems;
}

async function nodeLeft({ commands }: Rehearsal, node: string, kernel: boolean): Promise<Problem[]> {
  const files = (await commands.cniFiles(node)).filter(isCalicoCniFile);
  const problems = files.map((file): Problem => ({ subject: node, text: `CNI file ${file}` }));
  if (!kernel) return problems;
  const state = kernelLeftovers(node, await commands.kernel(node));
  return [...problems, ...state.map(({ kind, name }) => ({ subject: node, text: `${kind} ${name}` }))];
}

export const nothingLegacyLeft: Assertion = async (rehearsal, checkpoint) => {
  const restarted = checkpoint.phase === 'restart';
  const nodes = restarted && checkpoint.node !== null ? [checkpoint.node] : nodeNames(rehearsal);
  const problems = restarted ? [] : await objectsLeft(rehearsal);
  // The kernel's state goes with a restart only; on other nodes it is listed among the leftovers.
  const onNodes = await bounded(nodes, PARALLEL, (node) =>
    nodeLeft(rehearsal, node, rehearsal.journal.restarted.has(node)),
  );
  return judged(
    'nothing-legacy-left',
    restarted ? `nothing of Calico is left on ${checkpoint.node}` : 'nothing of Calico is left',
    [...problems, ...onNodes.flat()],
    `${nodes.length} nodes looked at${restarted ? '' : ', and the API'}`,
  );
};
