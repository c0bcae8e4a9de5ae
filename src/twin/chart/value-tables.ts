/**
 * Which Helm values the twin models, and which are known to change nothing that is rehearsed. All else that a chart knows
 * is not modelled. A path covers everything below it; `*` stands for one key.
 */
import { readFileSync } from 'node:fs';
import type { Json } from '../../scenario/scenario.ts';

/** A modelled path; with `accepts`, only for these values (any other is not modelled). */
export interface ModelledValue {
  readonly path: string;
  readonly accepts?: (value: Json) => boolean;
}

const off = (value: Json): boolean => value === false || value === 'false' || value === null;
const on = (value: Json): boolean => value === true;
const oneOf =
  (...allowed: Json[]) =>
  (value: Json): boolean =>
    allowed.includes(value);

const IMAGE_KEYS = ['repository', 'tag', 'digest', 'useDigest', 'pullPolicy', 'override', 'genericDigest', 'suffix'];
const images = (prefix: string): ModelledValue[] => IMAGE_KEYS.map((key) => ({ path: `${prefix}.${key}` }));

/** What the rendered objects or the actors make a difference of. */
export const MODELLED: readonly ModelledValue[] = [
  ...images('image'),
  ...images('operator.image'),
  ...images('envoy.image'),
  { path: 'routingMode', accepts: oneOf('', 'tunnel') },
  { path: 'tunnel', accepts: oneOf('', 'vxlan', 'geneve') },
  { path: 'tunnelProtocol' },
  { path: 'tunnelPort' },
  { path: 'ipam.mode', accepts: oneOf('cluster-pool', 'kubernetes') },
  { path: 'ipam.operator.clusterPoolIPv4PodCIDRList' },
  { path: 'ipam.operator.clusterPoolIPv4MaskSize' },
  { path: 'k8s.requireIPv4PodCIDR' },
  // Without it the nodes lack the plugin's binary, which no model of a node has as a file.
  { path: 'cni.install', accepts: on },
  { path: 'cni.uninstall' },
  { path: 'cni.customConf' },
  { path: 'cni.exclusive' },
  { path: 'cni.logFile' },
  { path: 'cni.hostConfDirMountPath' },
  { path: 'cni.confPath', accepts: oneOf('/etc/cni/net.d') },
  { path: 'cni.binPath', accepts: oneOf('/opt/cni/bin') },
  { path: 'cni.chainingMode', accepts: oneOf(null, '', 'none') },
  { path: 'policyEnforcementMode' },
  { path: 'enableIPv4Masquerade' },
  { path: 'MTU' },
  // Without kube-proxy replacement the agent forces legacy host routing, whatever this says (cilium 1.14, 1.17, 1.19).
  { path: 'bpf.hostLegacyRouting' },
  { path: 'bpf.masquerade', accepts: off },
  { path: 'kubeProxyReplacement', accepts: (value) => off(value) || value === 'disabled' },
  { path: 'cluster.name' },
  { path: 'cluster.id' },
  { path: 'ipv4.enabled', accepts: on },
  { path: 'ipv6.enabled', accepts: off },
  { path: 'l7Proxy' },
  { path: 'envoy.enabled' },
  { path: 'envoy.rollOutPods' },
  { path: 'hubble.enabled' },
  { path: 'hubble.relay.enabled', accepts: off },
  { path: 'hubble.ui.enabled', accepts: off },
  { path: 'healthChecking' },
  { path: 'endpointHealthChecking.enabled' },
  { path: 'agentNotReadyTaintKey' },
  { path: 'debug.enabled' },
  { path: 'rollOutCiliumPods' },
  { path: 'sysctlfix.enabled' },
  { path: 'terminationGracePeriodSeconds' },
  { path: 'updateStrategy' },
  { path: 'startupProbe' },
  { path: 'livenessProbe' },
  { path: 'readinessProbe' },
  { path: 'operator.enabled' },
  { path: 'operator.replicas' },
  { path: 'operator.rollOutPods' },
  { path: 'operator.updateStrategy' },
  { path: 'operator.tolerations' },
  { path: 'operator.skipCRDCreation' },
  { path: 'operator.removeNodeTaints' },
  { path: 'operator.setNodeTaints' },
  { path: 'operator.setNodeNetworkStatus' },
  { path: 'operator.unmanagedPodWatcher' },
  { path: 'daemon.configSources' },
  { path: 'upgradeCompatibility' },
];

let irrelevant: readonly string[] | undefined;

/**
 * Paths that change no packet, file, object count or wait of a rehearsal; their values are not even rendered
 * (data/cilium/irrelevant-values.json).
 */
export function irrelevantPaths(): readonly string[] {
  irrelevant ??= JSON.parse(
    readFileSync(new URL('../../../data/cilium/irrelevant-values.json', import.meta.url), 'utf8'),
  ) as string[];
  return irrelevant;
}
