/** Phase 3: the probes, the scenario's workloads, and proof that all is well before anything is changed. */
import { KubeError, type Resource } from '../../kube/api.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { daemonSets, deployments, statefulSets } from '../../kube/resources.ts';
import { WaitTimeout } from '../../kube/wait.ts';
import { PROBE_NAMESPACE, probeManifests } from '../../probe/manifests.ts';
import { applyAll, isUnserved, KindNotServed, parseManifests } from '../apply.ts';
import { reachCheckpoint } from '../checkpoint.ts';
import { readNodePorts } from '../node-ports.ts';
import { isNotModelled, RehearsalFailure, StoppedAsAsked } from '../outcome.ts';
import { causeInCluster } from '../pod-causes.ts';
import { judgeLive } from '../preflight.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';
import { daemonSetPending, deploymentPending, statefulSetPending } from '../rollout.ts';

export const baseline: PhaseRunner = async (rehearsal) => {
  const { journal, scenario } = rehearsal;
  await journal.inStep('probes', () => deployProbes(rehearsal));
  if (scenario.workloads.length > 0) await journal.inStep('workloads', () => deployWorkloads(rehearsal));
  await journal.inStep('live-rules', () => judgeLive(rehearsal));
  if (rehearsal.rulesOnly) throw new StoppedAsAsked();
  await rehearsal.observe();
  await reachCheckpoint(rehearsal, ['baseline']);
  await readNodePorts(rehearsal, 'baseline');
};

async function deployProbes(rehearsal: Rehearsal): Promise<void> {
  const { scenario, limits, plan } = rehearsal;
  await applyAll(rehearsal, probeManifests(scenario));
  for (const name of ['nodepinger', 'servicepinger']) {
    await rehearsal.wait({
      what: `${name} to be available on every node`,
      resource: daemonSets,
      namespace: PROBE_NAMESPACE,
      name,
      timeoutMs: limits.calico,
      pending: (found) => daemonSetPending(found[0], plan.nodes.length),
    });
  }
  await rehearsal.wait({
    what: 'goldpinger to be available',
    resource: deployments,
    namespace: PROBE_NAMESPACE,
    name: 'goldpinger',
    timeoutMs: limits.calico,
    pending: (found) => deploymentPending(found[0]),
  });
}

/** A manifest that cannot be read or that the API refuses is the scenario's fault. */
async function deployWorkloads(rehearsal: Rehearsal): Promise<void> {
  const { scenario, found } = rehearsal;
  const known: Resource<unknown>[] = [];
  for (const { file, manifest } of scenario.workloads) {
    const objects = await applyWorkload(rehearsal, file, manifest, known);
    for (const object of objects) {
      const { kind } = object;
      // Calico's own and the administrators' as well: GlobalNetworkPolicy, AdminNetworkPolicy, …
      if (kind?.endsWith('NetworkPolicy')) found.policies.push(`${file}: ${kind} ${object.metadata.name}`);
      if (kind === 'Deployment' || kind === 'DaemonSet' || kind === 'StatefulSet') {
        found.workloads.push({ kind, name: object.metadata.name, namespace: object.metadata.namespace ?? 'default' });
      }
    }
  }
  for (const workload of found.workloads) {
    try {
      await waitForWorkload(rehearsal, workload);
    } catch (error) {
      throw (await neverAvailable(rehearsal, error)) ?? error;
    }
  }
}

/** On a network that nobody has touched yet a workload that does not come up is the scenario's matter, or the machine's. */
async function neverAvailable(rehearsal: Rehearsal, error: unknown): Promise<RehearsalFailure | undefined> {
  if (!(error instanceof WaitTimeout)) return undefined;
  const message = `workloads: ${error.message}`;
  const cause = await causeInCluster(rehearsal.api);
  return cause
    ? new RehearsalFailure(cause.verdict, cause.reason, `${message} (cause: ${cause.message})`, { cause: error })
    : new RehearsalFailure('refused', 'scenario-invalid', message, { cause: error });
}

async function applyWorkload(
  rehearsal: Rehearsal,
  file: string,
  manifest: string,
  known: Resource<unknown>[],
): Promise<KubeObject[]> {
  try {
    const objects = parseManifests(manifest);
    await applyAll(rehearsal, objects, false, known);
    return objects;
  } catch (error) {
    if (error instanceof KindNotServed && rehearsal.provider.simulated && isBuiltIn(error.apiVersion)) {
      throw new RehearsalFailure('not-modelled', 'not-modelled', `${file}: ${error.message}`, { cause: error });
    }
    if (rehearsal.provider.simulated && isNotModelled(error)) {
      throw new RehearsalFailure('not-modelled', 'not-modelled', `${file}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    const plain = error instanceof KindNotServed || error?.constructor === Error;
    const ours = error instanceof KubeError ? error.code < 500 && error.code !== 429 : plain;
    if (!ours) throw error;
    const why = isUnserved(error)
      ? `this cluster does not serve the kind (${error.request})`
      : (error as Error).message;
    throw new RehearsalFailure('refused', 'scenario-invalid', `${file}: ${why}`, { cause: error });
  }
}

/** Kubernetes' own groups: an embedded cluster has some of their kinds only. */
function isBuiltIn(apiVersion: string): boolean {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
  return !group.includes('.') || group.endsWith('.k8s.io');
}

async function waitForWorkload(rehearsal: Rehearsal, workload: Rehearsal['found']['workloads'][number]): Promise<void> {
  const { kind, name, namespace } = workload;
  const common = {
    what: `${kind} ${namespace}/${name} to be available`,
    namespace,
    name,
    timeoutMs: rehearsal.limits.calico,
  };
  if (kind === 'Deployment') {
    await rehearsal.wait({ ...common, resource: deployments, pending: (found) => deploymentPending(found[0]) });
  } else if (kind === 'DaemonSet') {
    await rehearsal.wait({ ...common, resource: daemonSets, pending: (found) => daemonSetPending(found[0]) });
  } else {
    await rehearsal.wait({ ...common, resource: statefulSets, pending: (found) => statefulSetPending(found[0]) });
  }
}
