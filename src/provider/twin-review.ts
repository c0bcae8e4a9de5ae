/** What the embedded cluster lacks for a scenario, as far as the scenario shows it. Pure. */
import type { JsonObject, Scenario } from '../scenario/scenario.ts';
import { classifyValues } from '../twin/chart/values.ts';
import { imageExists } from '../twin/images.ts';
import type { ProviderReview } from './provider.ts';

/** Keys of FelixConfiguration/default that the embedded Felix obeys (twin/actors/calico/node/topology.ts). */
const MODELLED_FELIX: readonly string[] = ['vxlanPort', 'vxlanVNI'];

/** Does the embedded registry have the image? It knows what every tag is. */
export const imageExistsOnTwin = (image: string): 'yes' | 'no' => (imageExists(image) ? 'yes' : 'no');

/** Judges the user's Helm values (initial and final) and the options that have no model. */
export function reviewForTwin(scenario: Scenario): ProviderReview {
  const notModelled = new Set<string>(installationReview(scenario.calico.installation));
  const values = new Set<string>();
  const irrelevant = new Set<string>();
  const unknown = new Map<string, string>();
  for (const key of ['values', 'finalValues'] as const) {
    const classes = classifyValues(scenario.cilium.version, scenario.cilium[key] as JsonObject);
    for (const path of classes.notModelled) values.add(`cilium.${key}.${path}`);
    for (const path of classes.irrelevant) irrelevant.add(`cilium.${key}.${path}`);
    for (const { path, nearest } of classes.unknown) unknown.set(`cilium.${key}.${path}`, nearest);
  }
  if (scenario.finish.connectivityTest !== false) {
    notModelled.add('finish.connectivityTest (`cilium connectivity test`)');
  }
  if (scenario.probes.mesh === 'sampled') notModelled.add('probes.mesh sampled (PING_NUMBER of goldpinger)');
  for (const key of Object.keys(scenario.calico.felix)) {
    if (!MODELLED_FELIX.includes(key)) notModelled.add(`calico.felix.${key}`);
  }
  return {
    notModelled: [...notModelled].sort(),
    notModelledValues: [...values].sort(),
    irrelevantValues: [...irrelevant].sort(),
    unknownValues: [...unknown]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, near]) => (near === '' ? path : `${path} (did you mean ${near}?)`)),
  };
}

/** Keys of Installation.spec that the embedded operator obeys, with the values that have a model; undefined: any. */
const MODELLED_INSTALLATION: Readonly<Record<string, readonly unknown[] | undefined>> = {
  variant: ['Calico'],
  kubernetesProvider: ['', 'Kind'],
  'cni.type': ['Calico'],
  'cni.ipam.type': ['Calico'],
  'calicoNetwork.bgp': undefined,
  'calicoNetwork.linuxDataplane': ['Iptables'],
  'calicoNetwork.hostPorts': ['Enabled'],
  'calicoNetwork.multiInterfaceMode': ['None'],
  'calicoNetwork.ipPools': undefined,
  'calicoNetwork.nodeAddressAutodetectionV4': undefined,
  controlPlaneReplicas: undefined,
  flexVolumePath: undefined,
  kubeletVolumePluginPath: undefined,
  nodeUpdateStrategy: undefined,
};

function installationReview(spec: JsonObject, prefix = ''): string[] {
  return Object.entries(spec).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    if (path in MODELLED_INSTALLATION) {
      const known = MODELLED_INSTALLATION[path];
      return known === undefined || known.includes(value)
        ? []
        : [`calico.installation.${path}: ${JSON.stringify(value)} (modelled: ${known.map(String).join(', ')})`];
    }
    const inside = Object.keys(MODELLED_INSTALLATION).some((known) => known.startsWith(`${path}.`));
    if (inside && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return installationReview(value, `${path}.`);
    }
    return [`calico.installation.${path}`];
  });
}
