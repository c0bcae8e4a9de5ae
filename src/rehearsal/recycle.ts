/** Pods that the legacy CNI attached, and their replacement by the new one. */

import { anyHolds } from '../cni/cidr.ts';
import { ciliumEndpoints, ciliumNodes } from '../cni/resources.ts';
import { KubeError } from '../kube/api.ts';
import type { Pod } from '../kube/objects.ts';
import { pods } from '../kube/resources.ts';
import { probeOf } from '../probe/instances.ts';
import { controllerOf, isDaemonPod, isMirrorPod } from './drain-filter.ts';
import type { Rehearsal } from './rehearsal.ts';
import { isOnPodNetwork, isReady, podName, whyNotReady } from './rollout.ts';

/** Calico's plugin writes it on pods that it attached (projectcalico/calico cni-plugin v3.25 to v3.32). */
const CALICO_ATTACHED = 'cni.projectcalico.org/containerID';

/**
 * Is the pod still on the legacy network? It has an address, no CiliumEndpoint, and either Calico's mark or an address
 * outside its node's Cilium CIDRs. (A pod that Cilium has just attached has its address before its endpoint.)
 */
export function isLegacyPod(pod: Pod, endpoints: ReadonlySet<string>, podCidrs: readonly string[]): boolean {
  const ip = pod.status?.podIP;
  if (!isOnPodNetwork(pod) || isMirrorPod(pod) || !ip || endpoints.has(podName(pod))) return false;
  return pod.metadata.annotations?.[CALICO_ATTACHED] !== undefined || !anyHolds(podCidrs, ip);
}

/** Pods of these nodes that are still on the legacy network; nodepinger's first, because the gate lives on them. */
export async function legacyPods(rehearsal: Rehearsal, nodes: readonly string[]): Promise<Pod[]> {
  const { api } = rehearsal;
  const endpoints = new Set(
    (await api.list(ciliumEndpoints)).items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
  );
  const cidrs = new Map(
    (await api.list(ciliumNodes)).items.map((node) => [node.metadata.name, node.spec?.ipam?.podCIDRs ?? []]),
  );
  const legacy: Pod[] = [];
  for (const node of nodes) {
    const list = await api.list(pods, { fieldSelector: `spec.nodeName=${node}` });
    legacy.push(...list.items.filter((pod) => isLegacyPod(pod, endpoints, cidrs.get(node) ?? [])));
  }
  const rank = (pod: Pod): number => (probeOf(pod) === 'nodepinger' ? 0 : 1);
  return legacy.sort((a, b) => rank(a) - rank(b) || (podName(a) < podName(b) ? -1 : 1));
}

/** Deletes the pods one by one, each only after the one before was replaced. */
export async function recycle(rehearsal: Rehearsal, legacy: readonly Pod[]): Promise<void> {
  for (const pod of legacy) {
    if (controllerOf(pod) === undefined && !rehearsal.scenario.migration.drain.force) {
      rehearsal.journal.finding(
        'bare-pod',
        'warning',
        `${podName(pod)} is on the legacy network and has no controller that would replace it; it is left alone`,
        [podName(pod)],
      );
      continue;
    }
    await replace(rehearsal, pod);
  }
}

async function replace(rehearsal: Rehearsal, pod: Pod): Promise<void> {
  const { api, limits, journal } = rehearsal;
  const { name, namespace, uid } = pod.metadata;
  try {
    await api.delete(pods, { name, namespace }, uid === undefined ? {} : { uid });
  } catch (error) {
    if (!(error instanceof KubeError && (error.code === 404 || error.code === 409))) throw error;
  }
  journal.podRemoved(pod, 'deleted', 'to be attached by Cilium');
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true)?.uid;
  const node = pod.spec?.nodeName;
  await rehearsal.wait({
    what: `pod ${podName(pod)} to be replaced`,
    resource: pods,
    ...(namespace === undefined ? {} : { namespace }),
    ...(isDaemonPod(pod) ? { fieldSelector: `spec.nodeName=${node}` } : {}),
    timeoutMs: limits.agent,
    pending: (found) => {
      if (found.some((candidate) => candidate.metadata.uid === uid)) return 'it is terminating';
      if (owner === undefined) return null;
      // The pods of a Deployment that wait for the node to be uncordoned are no reason to wait here.
      if (!isDaemonPod(pod)) return null;
      const next = found.find((candidate) => candidate.metadata.ownerReferences?.some(({ uid: of }) => of === owner));
      if (!next) return 'its replacement does not exist yet';
      return isReady(next) ? null : `its replacement ${next.metadata.name} is not Ready: ${whyNotReady(next)}`;
    },
  });
}
