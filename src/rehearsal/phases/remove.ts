/**
 * Phase 9: Calico removed in an order that cannot hang. Its custom resources go first, while the operator runs: only the
 * operator clears their finalizers. No object of projectcalico.org is touched before: without pools the operator waits
 * for ever (tigera/operator v1.40.15 core_controller.go). Then the operator, whose pod makes CRDs anew while it lives;
 * then CRDs, RBAC and namespaces.
 */
import {
  CALICO_APISERVICE,
  CALICO_NAMESPACES,
  CALICO_NODE,
  isCalicoClusterRole,
  OPERATOR_NAMESPACE,
  removalOrder,
} from '../../cni/calico.ts';
import {
  apiTracesThatStay,
  CNI_DIRECTORY,
  filesThatStay,
  isCalicoCniFile,
  kernelLeftovers,
} from '../../cni/leftovers.ts';
import { apiServers, goldmanes, installations, whiskers } from '../../cni/resources.ts';
import type { Resource } from '../../kube/api.ts';
import type { Condition, KubeObject } from '../../kube/objects.ts';
import {
  apiServices,
  clusterRoleBindings,
  clusterRoles,
  customResourceDefinitions,
  deployments,
  namespaces,
  nodes,
  pods,
} from '../../kube/resources.ts';
import { bounded } from '../bounded.ts';
import { reachCheckpoint } from '../checkpoint.ts';
import { RehearsalFailure } from '../outcome.ts';
import { find, unlessNotFound } from '../patient-api.ts';
import { nodeNames, type PhaseRunner, type Rehearsal } from '../rehearsal.ts';
import { dropDefinitions } from '../remove-definitions.ts';
import { besides, drop } from '../removing.ts';
import { podName } from '../rollout.ts';

/** Nodes that are cleaned at the same time. */
const PARALLEL = 8;

const KINDS: Readonly<Record<string, Resource<KubeObject>>> = {
  Whisker: whiskers,
  Goldmane: goldmanes,
  APIServer: apiServers,
  Installation: installations,
};

export const remove: PhaseRunner = async (rehearsal) => {
  const { journal } = rehearsal;
  await journal.inStep('remove', async () => {
    journal.passPointOfNoReturn();
    try {
      await removeCalico(rehearsal);
    } catch (error) {
      throw (await blockedRemoval(rehearsal, error)) ?? error;
    }
  });
  await journal.inStep('node-files', () => removeNodeFiles(rehearsal));
  await reachCheckpoint(rehearsal, ['legacy-removed']);
  await reportLeftovers(rehearsal);
};

async function removeCalico(rehearsal: Rehearsal): Promise<void> {
  const { api, scenario, limits } = rehearsal;
  for (const kind of removalOrder(scenario.calico.version)) await drop(rehearsal, KINDS[kind]!, 'default');
  await besides(rehearsal, dropDeadApiService, () =>
    rehearsal.wait({
      what: 'Installation default to be gone',
      resource: installations,
      name: 'default',
      timeoutMs: limits.remove,
      pending: ([installation]) =>
        installation ? `it waits for finalizers ${(installation.metadata.finalizers ?? []).join(', ')}` : null,
    }),
  );
  if (await find(api, apiServices, { name: CALICO_APISERVICE })) await drop(rehearsal, apiServices, CALICO_APISERVICE);
  for (const namespace of CALICO_NAMESPACES) {
    if (namespace !== OPERATOR_NAMESPACE) await waitForNoPods(rehearsal, namespace);
  }
  await drop(rehearsal, deployments, 'tigera-operator', OPERATOR_NAMESPACE);
  await waitForNoPods(rehearsal, OPERATOR_NAMESPACE);
  await dropDefinitions(rehearsal);
  for (const resource of [clusterRoleBindings, clusterRoles]) {
    for (const { metadata } of (await api.list(resource)).items) {
      if (isCalicoClusterRole(metadata.name)) await drop(rehearsal, resource, metadata.name);
    }
  }
  for (const namespace of CALICO_NAMESPACES) {
    if (await find(api, namespaces, { name: namespace })) await drop(rehearsal, namespaces, namespace);
  }
  await rehearsal.wait({
    what: "Calico's namespaces to be gone",
    resource: namespaces,
    timeoutMs: limits.remove,
    pending: (found) => {
      const left = found.filter(({ metadata }) => (CALICO_NAMESPACES as readonly string[]).includes(metadata.name));
      return left.length === 0 ? null : left.map(({ metadata }) => metadata.name).join(', ');
    },
  });
}

/**
 * Left without a backend the APIService makes every namespace's deletion hang (NamespaceDeletionDiscoveryFailure); and up
 * to Calico 3.30 the Installation goes only after the namespace calico-apiserver, so that both would wait for each other
 * for ever (tigera/operator issue 4103; v1.38.13 apiserver_controller.go, maintainFinalizer). The garbage collector takes
 * the APIService as well, but after its Deployment as it comes.
 */
async function dropDeadApiService(rehearsal: Rehearsal, signal: AbortSignal): Promise<void> {
  const [left] = await rehearsal.wait({
    what: `APIService ${CALICO_APISERVICE} to be gone or without a backend`,
    resource: apiServices,
    name: CALICO_APISERVICE,
    timeoutMs: rehearsal.limits.remove,
    signal,
    pending: ([service]) => {
      const available = service?.status?.conditions?.find(({ type }) => type === 'Available');
      const going = service === undefined || service.metadata.deletionTimestamp !== undefined;
      return going || available?.status === 'False' ? null : 'it is Available';
    },
  });
  if (left !== undefined) await drop(rehearsal, apiServices, CALICO_APISERVICE);
}

async function waitForNoPods(rehearsal: Rehearsal, namespace: string): Promise<void> {
  await rehearsal.wait({
    what: `the pods of ${namespace} to be gone`,
    resource: pods,
    namespace,
    timeoutMs: rehearsal.limits.remove,
    pending: (found) => (found.length === 0 ? null : found.map(podName).join(', ')),
  });
}

/** Past the deadline: names every object that waits for a finalizer. */
async function blockedRemoval(rehearsal: Rehearsal, error: unknown): Promise<RehearsalFailure | undefined> {
  if (!(error instanceof Error && error.name === 'WaitTimeout')) return undefined;
  const blocked: string[] = [];
  const look = async (resource: Resource<KubeObject>): Promise<void> => {
    for (const object of (await unlessNotFound(() => rehearsal.api.list(resource)))?.items ?? []) {
      const { name, finalizers, deletionTimestamp } = object.metadata;
      if (deletionTimestamp === undefined) continue;
      blocked.push(`${resource.kind} ${name} (${finalizers?.join(', ') || 'no finalizer'})${remaining(object)}`);
    }
  };
  for (const resource of [
    ...Object.values(KINDS),
    namespaces,
    customResourceDefinitions,
    clusterRoles,
    clusterRoleBindings,
  ]) {
    await look(resource as Resource<KubeObject>);
  }
  const what = blocked.length > 0 ? `; terminating: ${blocked.join('; ')}` : '';
  return new RehearsalFailure('failed', 'removal-blocked', `remove: ${error.message}${what}`, { cause: error });
}

/** What a namespace says of the objects and finalizers that hold it (kubernetes namespace_conditions.go). */
function remaining({ status }: KubeObject): string {
  const conditions = (status as { conditions?: readonly Condition[] } | undefined)?.conditions ?? [];
  const said = conditions.flatMap(({ type, status: state, message }) =>
    /Remaining$|Failure$/.test(type) && state === 'True' && message ? [message] : [],
  );
  return said.length === 0 ? '' : `: ${said.join('; ')}`;
}

/** calico-node writes its files at every start, so nothing is cleaned while one exists; and it is looked at again. */
async function removeNodeFiles(rehearsal: Rehearsal): Promise<void> {
  const { commands, limits } = rehearsal;
  await rehearsal.wait({
    what: 'the last calico-node pod to be gone',
    resource: pods,
    namespace: CALICO_NODE.namespace,
    timeoutMs: limits.remove,
    pending: (found) => (found.length === 0 ? null : found.map(podName).join(', ')),
  });
  await bounded(nodeNames(rehearsal), PARALLEL, async (node) => {
    await rehearsal.poll({
      what: `Calico's files to be gone from the CNI directory of ${node}`,
      everyMs: 1_000,
      timeoutMs: limits.remove,
      look: async () => {
        const files = (await commands.cniFiles(node)).filter(isCalicoCniFile);
        if (files.length === 0) return null;
        await commands.removeFiles(
          node,
          files.map((file) => `${CNI_DIRECTORY}/${file}`),
        );
        rehearsal.journal.changed('command', `docker exec ${node} rm -f`, files.join(', '));
        return `removed ${files.join(', ')}, to be looked at again`;
      },
    });
  });
}

/** What stays by design, and the kernel's state where nodes are not restarted. */
async function reportLeftovers(rehearsal: Rehearsal): Promise<void> {
  const { api, emit, scenario, commands } = rehearsal;
  const list = await api.list(nodes);
  for (const node of nodeNames(rehearsal)) {
    const podCidr = list.items.find(({ metadata }) => metadata.name === node)?.spec?.podCIDR;
    for (const leftover of [...filesThatStay(node), ...apiTracesThatStay(node, podCidr)]) {
      emit({ type: 'leftover', leftover });
    }
    if (scenario.finish.restartNodes) continue;
    for (const leftover of kernelLeftovers(node, await commands.kernel(node))) emit({ type: 'leftover', leftover });
  }
}
