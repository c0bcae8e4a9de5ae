/** What the API shows of addresses at one moment, for the expectations of faults. Nothing of the run rests on it. */
import { ciliumEndpoints, ciliumNodes, ipamBlocks } from '../cni/resources.ts';
import type { Snapshot } from '../faults/fault.ts';
import type { KubeApi } from '../kube/api.ts';
import { pods, services } from '../kube/resources.ts';
import { unlessNotFound } from './patient-api.ts';
import { isOnPodNetwork, podName } from './rollout.ts';

/** Undefined: the API does not answer now. @param api one that does not wait for an API that is away */
export async function takeSnapshot(api: KubeApi, after: string | null): Promise<Snapshot | undefined> {
  try {
    const endpoints = (await unlessNotFound(() => api.list(ciliumEndpoints)))?.items ?? [];
    const managed = new Set(endpoints.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    const ciliumItems = (await unlessNotFound(() => api.list(ciliumNodes)))?.items ?? [];
    const blockItems = (await unlessNotFound(() => api.list(ipamBlocks)))?.items ?? [];
    return {
      after,
      pods: (await api.list(pods)).items
        .filter((pod) => isOnPodNetwork(pod) && pod.metadata.deletionTimestamp === undefined)
        .map((pod) => ({
          name: podName(pod),
          node: pod.spec?.nodeName ?? '',
          ip: pod.status?.podIP ?? '',
          labels: pod.metadata.labels ?? {},
          ports: (pod.spec?.containers ?? []).flatMap(({ ports = [] }) =>
            ports.map(({ containerPort }) => containerPort),
          ),
          managed: managed.has(podName(pod)),
        }))
        .sort(byName),
      ciliumNodes: ciliumItems
        .map(({ metadata, spec, status }) => ({
          name: metadata.name,
          podCIDRs: spec?.ipam?.podCIDRs ?? [],
          router: spec?.addresses?.find(({ type }) => type === 'CiliumInternalIP')?.ip ?? '',
          health: spec?.health?.ipv4 ?? '',
          error: status?.ipam?.['operator-status']?.error ?? '',
        }))
        .sort(byName),
      blocks: blockItems
        .flatMap(({ spec }) => {
          const node = /^host:(.+)$/.exec(spec.affinity ?? '')?.[1];
          return node === undefined ? [] : [{ cidr: spec.cidr, node }];
        })
        .sort((a, b) => (a.cidr < b.cidr ? -1 : 1)),
      services: (await api.list(services)).items
        .flatMap(({ metadata, spec }) => {
          const address = spec?.clusterIP ?? '';
          if (!/^\d/.test(address)) return [];
          const ports = (spec?.ports ?? []).map(({ port }) => port);
          return [{ name: `${metadata.namespace}/${metadata.name}`, address, ports }];
        })
        .sort(byName),
    };
  } catch {
    return undefined;
  }
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
