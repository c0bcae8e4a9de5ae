/** Phase 5: Cilium as second overlay on every node, serving no pod yet. */
import { stringify } from 'yaml';
import {
  AGENT,
  CILIUM_NAMESPACE,
  ciliumNodeConfigFor,
  ENVOY,
  hasEnvoy,
  hasHealthEndpoint,
  NODE_CONFIG_CRD,
  nodeConfigVersions,
  OPERATOR,
  servedNodeConfigVersion,
} from '../../cni/cilium.ts';
import { ciliumNodeConfigs, ciliumNodes } from '../../cni/resources.ts';
import type { CustomResourceDefinition } from '../../kube/objects.ts';
import { customResourceDefinitions, daemonSets, deployments, nodes } from '../../kube/resources.ts';
import { WaitTimeout } from '../../kube/wait.ts';
import type { JsonObject } from '../../scenario/scenario.ts';
import { onceServed } from '../apply.ts';
import { causeOfCommand } from '../causes.ts';
import { reachCheckpoint } from '../checkpoint.ts';
import { dnsPodUids } from '../dns-pods.ts';
import { CommandFailed, RehearsalFailure } from '../outcome.ts';
import { unlessNotFound } from '../patient-api.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';
import { daemonSetPending, deploymentPending } from '../rollout.ts';
import { namingUnready } from '../unready-pods.ts';

/** helm v3 and v4, pkg/kube/client.go IsReachable. */
const HELM_FINDS_NO_API = /kubernetes cluster unreachable/i;
/** Before the tries after the first. */
const FETCH_PAUSES_MS = [2_000, 5_000, 10_000, 20_000];

export const secondary: PhaseRunner = async (rehearsal) => {
  const { journal, found } = rehearsal;
  await journal.inStep('cilium-install', async () => {
    rehearsal.observer.agentsStarting();
    await installCilium(rehearsal, found.cilium!.initial);
  });
  await journal.inStep('node-config', () => applyNodeConfig(rehearsal));
  if (!hasHealthEndpoint(found.values)) {
    journal.finding(
      'no-health-endpoint',
      'warning',
      "Cilium's health endpoint is switched off: the overlay is judged by the other nodes' kubelets at their CiliumInternalIP instead",
    );
  }
  found.dnsPods = new Set(await dnsPodUids(rehearsal));
  await reachCheckpoint(rehearsal, ['secondary-installed']);
};

/** `helm upgrade --install` with these values; returns when agents, envoys and the operator are rolled out. */
export async function installCilium(rehearsal: Rehearsal, values: JsonObject): Promise<void> {
  const { scenario, journal } = rehearsal;
  await upgradeRelease(rehearsal, values);
  journal.changed('command', 'helm upgrade --install cilium', `Cilium ${scenario.cilium.version}`);
  rehearsal.found.values = values;
  await waitForCilium(rehearsal);
}

/**
 * `helm upgrade --install` again and again while it finds no API: `apiOutage` alone judges that. The chart is fetched each time,
 * and a site has bad moments.
 */
export async function upgradeRelease(rehearsal: Rehearsal, values: JsonObject): Promise<void> {
  const { scenario, commands, limits, clock, signal } = rehearsal;
  for (let tries = 0; ; ) {
    try {
      return await commands.installCilium(scenario.cilium.version, stringify(values), limits.cilium);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      const noApi = HELM_FINDS_NO_API.test(error.stderr);
      const noChart = causeOfCommand(error.command, error.stderr)?.reason === 'download-failed';
      const pause = noApi ? 1_000 : noChart ? FETCH_PAUSES_MS[tries++] : undefined;
      if (pause === undefined) throw error;
      await clock.sleep(pause, signal);
      // Waits for an answer, and gives up in time.
      if (noApi) await rehearsal.api.list(nodes);
    }
  }
}

/** Agents and envoys are counted against the nodes, not against desiredNumberScheduled. */
export async function waitForCilium(rehearsal: Rehearsal): Promise<void> {
  try {
    const prefix = { namespace: CILIUM_NAMESPACE, prefix: 'cilium-' };
    await namingUnready(rehearsal, prefix, () => waitForRollOuts(rehearsal));
  } catch (error) {
    throw (await withoutPodCidr(rehearsal, error)) ?? error;
  }
}

async function waitForRollOuts({ scenario, limits, plan, found, wait }: Rehearsal): Promise<void> {
  await wait({
    what: 'the Cilium operator to be rolled out',
    resource: deployments,
    ...OPERATOR,
    timeoutMs: limits.cilium,
    pending: (sets) => deploymentPending(sets[0]),
  });
  const envoy = hasEnvoy(scenario.cilium.version, found.values) ? [ENVOY] : [];
  for (const set of [AGENT, ...envoy]) {
    await wait({
      what: `${set.name} to be rolled out on every node`,
      resource: daemonSets,
      ...set,
      timeoutMs: limits.cilium,
      pending: (sets) => daemonSetPending(sets[0], plan.nodes.length),
    });
  }
}

/** An agent without a pod CIDR waits for one for ever and says so nowhere else; its operator says why on the CiliumNode. */
async function withoutPodCidr(rehearsal: Rehearsal, error: unknown): Promise<RehearsalFailure | undefined> {
  if (!(error instanceof WaitTimeout)) return undefined;
  const list = await unlessNotFound(() => rehearsal.api.list(ciliumNodes));
  const left = (list?.items ?? []).filter(({ spec }) => (spec?.ipam?.podCIDRs ?? []).length === 0);
  if (left.length === 0) return undefined;
  const nodes = left.map(({ metadata, status }) => {
    const why = status?.ipam?.['operator-status']?.error;
    return `${metadata.name}${why ? ` (${why})` : ''}`;
  });
  const step = rehearsal.journal.step?.id ?? rehearsal.journal.phase;
  const message = `${step}: ${error.message}; without a pod CIDR: ${nodes.join(', ')}: make cilium.podCIDR larger or cilium.maskSize longer`;
  return new RehearsalFailure('failed', 'step-timed-out', message, { cause: error });
}

/**
 * The operator registers the CRD at its start, so right after Helm it may not be there. It is written in the version
 * that the established CRD serves, which a stale CRD may make differ from the table.
 */
async function applyNodeConfig(rehearsal: Rehearsal): Promise<void> {
  const { api, limits, journal, emit, found, scenario } = rehearsal;
  const established = (crd: CustomResourceDefinition | undefined): boolean =>
    crd?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true;
  const [crd] = await rehearsal.wait({
    what: `the CRD ${NODE_CONFIG_CRD} to be established`,
    resource: customResourceDefinitions,
    name: NODE_CONFIG_CRD,
    timeoutMs: limits.cilium,
    pending: (crds) => (established(crds[0]) ? null : crds[0] ? 'not established yet' : 'it does not exist yet'),
  });
  const version = servedNodeConfigVersion(crd!.spec.versions);
  if (version === undefined) {
    const served = crd!.spec.versions.map(({ name }) => name).join(', ');
    throw new RehearsalFailure('failed', 'step-timed-out', `node-config: CiliumNodeConfig is served as ${served} only`);
  }
  const expected = nodeConfigVersions(scenario.cilium.version)[0];
  if (version !== expected) {
    journal.finding(
      'stale-crd',
      'warning',
      `Cilium ${scenario.cilium.version} should serve CiliumNodeConfig as ${expected}; the cluster serves ${version}: a stale CRD of an older operator?`,
      [NODE_CONFIG_CRD],
    );
  }
  const config = ciliumNodeConfigFor(version, found.values);
  emit({ type: 'file', name: 'ciliumnodeconfig.yaml', content: stringify(config) });
  await onceServed(rehearsal, () => api.apply(ciliumNodeConfigs(version), config));
  found.nodeConfigVersion = version;
  journal.changed('applied', `CiliumNodeConfig ${config.metadata.namespace}/${config.metadata.name}`, version);
}
