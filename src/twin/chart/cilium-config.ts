/** The chart's ConfigMap cilium-config (templates/cilium-configmap.yaml): every key that agent, operator or rehearsal read. */
import type { JsonObject } from '../../scenario/scenario.ts';
import { constantKeys } from './cilium-config-constants.ts';
import { ciliumMinor } from './data.ts';
import { valueAt } from './merge.ts';

/** Is envoy an own DaemonSet? From 1.16 on unless `envoy.enabled=false` or `l7Proxy=false`. */
export function externalEnvoy(version: string, values: JsonObject): boolean {
  const enabled = valueAt(values, 'envoy.enabled');
  if (ciliumMinor(version) < 16) return enabled === true;
  if (valueAt(values, 'l7Proxy') === false) return false;
  if (enabled !== undefined && enabled !== null) return enabled === true;
  // The chart compares the text with >=1.16 (templates/_helpers.tpl, envoyDaemonSetEnabled).
  const before = /^v?1\.(\d+)/.exec(String(valueAt(values, 'upgradeCompatibility') ?? ''));
  return before === null || Number(before[1]) >= 16;
}

/** Data of the ConfigMap for values that are already merged over the chart's. */
export function ciliumConfig(version: string, values: JsonObject): Record<string, string> {
  const minor = ciliumMinor(version);
  const at = (path: string): unknown => valueAt(values, path);
  const text = (path: string, fallback = ''): string => {
    const value = at(path);
    return value === undefined || value === null || value === '' ? fallback : String(value);
  };
  const pools = [at('ipam.operator.clusterPoolIPv4PodCIDRList') ?? []].flat() as string[];
  const data: Record<string, string> = {
    ...constantKeys(),
    'agent-not-ready-taint-key': text('agentNotReadyTaintKey'),
    'cluster-id': text('cluster.id', '0'),
    'cluster-name': text('cluster.name'),
    'custom-cni-conf': text('cni.customConf'),
    debug: text('debug.enabled', 'false'),
    'enable-endpoint-health-checking': text('endpointHealthChecking.enabled', 'true'),
    'enable-health-checking': text('healthChecking', 'true'),
    'enable-hubble': text('hubble.enabled', 'false'),
    'enable-ipv4': text('ipv4.enabled'),
    'enable-ipv4-masquerade': text('enableIPv4Masquerade', 'true'),
    'enable-ipv6': text('ipv6.enabled'),
    'enable-l7-proxy': text('l7Proxy', 'true'),
    'enable-policy': text('policyEnforcementMode', 'default').toLowerCase(),
    'external-envoy-proxy': String(externalEnvoy(version, values)),
    ipam: text('ipam.mode'),
    'k8s-require-ipv4-pod-cidr': text('k8s.requireIPv4PodCIDR', 'false'),
    'kube-proxy-replacement': text('kubeProxyReplacement', 'false'),
    'mesh-auth-enabled': text('authentication.enabled', 'false'),
    'remove-cilium-node-taints': text('operator.removeNodeTaints', 'true'),
    'routing-mode': text('routingMode', 'tunnel'),
    'set-cilium-is-up-condition': text('operator.setNodeNetworkStatus', 'true'),
    'set-cilium-node-taints': text('operator.setNodeTaints', text('operator.removeNodeTaints', 'true')),
    'tunnel-protocol': text('tunnelProtocol', text('tunnel', 'vxlan')),
    'unmanaged-pod-watcher-interval': watcherInterval(minor, values),
  };
  if (minor >= 17) data['tunnel-source-port-range'] = text('tunnelSourcePortRange', '0-0');
  if (at('authentication.enabled') === true) {
    data['mesh-auth-gc-interval'] = text('authentication.gcInterval');
    data['mesh-auth-queue-size'] = text('authentication.queueSize');
    data['mesh-auth-rotated-identities-queue-size'] = text('authentication.rotatedIdentitiesQueueSize');
  }
  if (text('ipam.mode') === 'cluster-pool') {
    data['cluster-pool-ipv4-cidr'] = pools.join(' ');
    data['cluster-pool-ipv4-mask-size'] = text('ipam.operator.clusterPoolIPv4MaskSize');
  }
  const optional: [key: string, value: string][] = [
    ['tunnel-port', text('tunnelPort', '0') === '0' ? '' : text('tunnelPort')],
    ['enable-host-legacy-routing', text('bpf.hostLegacyRouting')],
    ['mtu', text('MTU', '0') === '0' ? '' : text('MTU')],
    ['cni-uninstall', text('cni.uninstall') === 'true' ? 'true' : ''],
    ['skip-crd-creation', at('operator.skipCRDCreation') === true ? 'true' : ''],
    ['unmanaged-pod-watcher-selector', text('operator.unmanagedPodWatcher.selector')],
  ];
  for (const [key, value] of optional) if (value !== '') data[key] = value;
  // Only these three decide who owns /etc/cni/net.d; `custom-cni-conf` itself is read by no agent (cilium 1.19 source).
  if (at('cni.customConf') !== true && at('cni.install') !== false) {
    data['write-cni-conf-when-ready'] = `${text('cni.hostConfDirMountPath')}/05-cilium.conflist`;
    data['cni-exclusive'] = text('cni.exclusive', 'true');
    data['cni-log-file'] = text('cni.logFile', '/var/run/cilium/cilium-cni.log');
  }
  return data;
}

/** `0` is off; a bare number of seconds up to 1.18, a duration from 1.19 on (recorded: `15s`). */
function watcherInterval(minor: number, values: JsonObject): string {
  if (valueAt(values, 'operator.unmanagedPodWatcher.restart') !== true) return '0';
  const seconds = String(valueAt(values, 'operator.unmanagedPodWatcher.intervalSeconds') ?? 15);
  return minor >= 19 ? `${seconds}s` : seconds;
}
