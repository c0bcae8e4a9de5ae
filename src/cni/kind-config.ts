/** The kind cluster that the scenario asks for. */
import { stringify } from 'yaml';
import type { Scenario } from '../scenario/scenario.ts';

/** NodePorts of the probes' Services, published as the walk-through does. */
export const NODE_PORTS = { nodepinger: 32042, goldpinger: 32043 } as const;

export interface ClusterNode {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
}

/** `kind-control-plane`, `kind-worker`, `kind-worker2`, …: the first of a role has no number (kind providers/common/namer.go). */
export function clusterNodes(cluster: Scenario['cluster']): ClusterNode[] {
  const named = (role: ClusterNode['role'], count: number): ClusterNode[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `${cluster.name}-${role}${index === 0 ? '' : index + 1}`,
      role,
    }));
  return [...named('control-plane', cluster.controlPlanes), ...named('worker', cluster.workers)];
}

/**
 * kind's configuration as YAML. The port mappings stand on the first control plane only: on several nodes Docker cannot
 * publish the same port twice, and kind's validation does not notice (kind v0.32.0).
 */
export function kindConfig(scenario: Scenario): string {
  const image = scenario.kubernetes.image ?? `kindest/node:v${scenario.kubernetes.version.replace(/^v/, '')}`;
  let published = false;
  const nodes = clusterNodes(scenario.cluster).map(({ role }) => {
    const ports =
      role === 'control-plane' && !published
        ? { extraPortMappings: Object.values(NODE_PORTS).map((port) => ({ containerPort: port, hostPort: port })) }
        : {};
    published = true;
    return { role, image, ...ports };
  });
  return stringify({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes,
    networking: {
      disableDefaultCNI: true,
      podSubnet: scenario.cluster.podSubnet,
      serviceSubnet: scenario.cluster.serviceSubnet,
    },
  });
}
