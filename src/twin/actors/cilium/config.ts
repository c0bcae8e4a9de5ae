/**
 * The agent's configuration: ConfigMap cilium-config, then the CiliumNodeConfigs of its namespace whose selector matches the
 * node's labels, in the order of their names, later ones winning (`cilium-dbg build-config`). Read once, when the pod starts.
 */
import type { ConfigMap, Node } from '../../../kube/objects.ts';
import type { ContainerContext, World } from '../../world.ts';
import { CILIUM_NODE_CONFIGS, type CiliumNodeConfig } from './objects.ts';

/** What the twin's agent and operator make of the merged keys. */
export interface AgentConfig {
  readonly tunnelProtocol: string;
  readonly tunnelPort: number;
  readonly ipam: string;
  readonly policyEnforcement: string;
  readonly masquerade: boolean;
  readonly healthChecking: boolean;
  readonly endpointHealthChecking: boolean;
  /** 0: found from the node's devices. */
  readonly mtu: number;
  readonly clusterName: string;
  readonly debug: boolean;
  readonly cni: {
    /** Path as the container sees it; empty: the agent leaves the directory alone. */
    readonly writeWhenReady: string;
    readonly exclusive: boolean;
    readonly logFile: string;
    readonly uninstall: boolean;
  };
}

type Selector = CiliumNodeConfig['spec']['nodeSelector'] | undefined;

/** An empty selector selects every node, an absent one none. */
function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined || selector === null) return false;
  const wanted = selector.matchLabels ?? {};
  if (!Object.keys(wanted).every((key) => labels[key] === wanted[key])) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    if (operator === 'In') return value !== undefined && values.includes(value);
    return operator === 'NotIn' && (value === undefined || !values.includes(value));
  });
}

/** What init container `config` writes below /tmp/cilium/config-map for a pod on this node. */
export function mergedConfig(world: World, node: string, namespace: string): Map<string, string> {
  const data = new Map<string, string>();
  const take = (entries: Readonly<Record<string, string>>): void => {
    for (const key of Object.keys(entries).sort()) data.set(key, entries[key]!);
  };
  take(world.store.get<ConfigMap>('configmaps', 'cilium-config', namespace)?.data ?? {});
  if (!world.store.has(CILIUM_NODE_CONFIGS)) return data;
  const labels = world.store.get<Node>('nodes', node)?.metadata.labels ?? {};
  for (const config of world.store.list<CiliumNodeConfig>(CILIUM_NODE_CONFIGS, { namespace }))
    if (selects(config.spec.nodeSelector, labels)) take(config.spec.defaults);
  return data;
}

/** @throws Error with the agent's own words when a value is invalid. */
export function readAgentConfig(data: ReadonlyMap<string, string>): AgentConfig {
  const text = (key: string, fallback: string): string => data.get(key) ?? fallback;
  const tunnelProtocol = text('tunnel-protocol', 'vxlan');
  if (!['vxlan', 'geneve'].includes(tunnelProtocol)) throw new Error(`invalid tunnel protocol "${tunnelProtocol}"`);
  const policyEnforcement = text('enable-policy', 'default');
  if (!['default', 'always', 'never'].includes(policyEnforcement))
    throw new Error(`Invalid value for enable-policy: ${policyEnforcement}`);
  return {
    tunnelProtocol,
    // Defaults of the agent (cilium pkg/defaults): 8472 for VXLAN, 6081 for Geneve.
    tunnelPort: Number(text('tunnel-port', '0')) || (tunnelProtocol === 'geneve' ? 6081 : 8472),
    ipam: text('ipam', 'cluster-pool'),
    policyEnforcement,
    masquerade: text('enable-ipv4-masquerade', 'true') === 'true',
    healthChecking: text('enable-health-checking', 'true') === 'true',
    endpointHealthChecking:
      text('enable-health-checking', 'true') === 'true' && text('enable-endpoint-health-checking', 'true') === 'true',
    mtu: Number(text('mtu', '0')),
    clusterName: text('cluster-name', 'default'),
    debug: text('debug', 'false') === 'true',
    cni: {
      writeWhenReady: text('write-cni-conf-when-ready', ''),
      exclusive: text('cni-exclusive', 'false') === 'true',
      logFile: text('cni-log-file', '/var/run/cilium/cilium-cni.log'),
      uninstall: text('cni-uninstall', 'false') === 'true',
    },
  };
}

/** Minor of the Cilium that an image carries: 19 for `…:v1.19.6@sha256:…`. */
export function minorOfImage(context: Pick<ContainerContext, 'image'>): number {
  return Number(/:v?1\.(\d+)\./.exec(context.image)?.[1] ?? '19');
}
