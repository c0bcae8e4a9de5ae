/** Phase 2: a kind cluster without CNI, and Calico on it by the Tigera operator. */
import { calicoCustomResources, calicoManifests, felixConfigurationFor } from '../../cni/calico.ts';
import { kindConfig } from '../../cni/kind-config.ts';
import { felixConfigurations } from '../../cni/resources.ts';
import type { CustomResourceDefinition, KubeObject, Node } from '../../kube/objects.ts';
import { customResourceDefinitions, nodes } from '../../kube/resources.ts';
import type { ImageGroup } from '../../provider/machine.ts';
import { applyAll } from '../apply.ts';
import { degradedStatuses, waitForCalicoAtRest } from '../calico-at-rest.ts';
import { asFailure } from '../machine.ts';
import { CommandFailed, RehearsalFailure } from '../outcome.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';

export const provision: PhaseRunner = async (rehearsal) => {
  const { journal, provider } = rehearsal;
  const { machine } = provider;
  if (machine) {
    await journal.inStep('node-image', () => asFailure(() => machine.pullNodeImage(rehearsal.signal)));
  }
  await journal.inStep('provision', () => createCluster(rehearsal));
  if (machine) await journal.inStep('calico-images', () => loadImages(rehearsal, 'calico', rehearsal.signal));
  // Calico comes up while the nodes import what is needed after it.
  const ended = new AbortController();
  const signal = AbortSignal.any([rehearsal.signal, ended.signal]);
  const rest = machine && loadImages(rehearsal, 'rest', signal);
  // Awaited in its step below; until then nobody listens.
  rest?.catch(() => undefined);
  try {
    await journal.inStep('calico', () => calicoOrBlame(rehearsal));
  } catch (error) {
    ended.abort(error);
    await rest?.catch(() => undefined);
    throw error;
  }
  if (rest) await journal.inStep('images', () => rest);
};

async function createCluster(rehearsal: Rehearsal): Promise<void> {
  const { scenario, commands, limits, emit, journal, provider } = rehearsal;
  const { machine } = provider;
  const config = kindConfig(scenario, await machine?.beforeCreate());
  emit({ type: 'file', name: 'kind.yaml', content: config });
  if (!provider.simulated) {
    const message = 'etcd does not wait for the disk (unsafe-no-fsync): this cluster would not survive a power cut';
    journal.finding('etcd-without-fsync', 'info', message);
  }
  const made = new AbortController();
  const watched = machine?.watchCreation(made.signal);
  try {
    await commands.createCluster(scenario.cluster.name, config, limits.provision);
  } catch (error) {
    // Somebody made one since we looked: it is not ours to delete.
    if (error instanceof CommandFailed && /already exist for a cluster/i.test(error.stderr)) machine?.deleted();
    throw error;
  } finally {
    made.abort();
    // Where that failed, a later run will not take the cluster for ours; nothing else depends on it.
    await watched?.catch(() => undefined);
  }
  journal.changed('command', 'kind create cluster', `${rehearsal.plan.nodes.length} nodes`);
  await connect(rehearsal);
  await rehearsal.wait({
    what: 'all nodes to be registered',
    resource: nodes,
    timeoutMs: limits.provision,
    pending: (found) =>
      found.length < rehearsal.plan.nodes.length ? `${found.length} of ${rehearsal.plan.nodes.length} nodes` : null,
  });
}

async function loadImages(rehearsal: Rehearsal, group: ImageGroup, signal: AbortSignal): Promise<void> {
  const { provider, journal, plan } = rehearsal;
  const names = plan.nodes.map(({ name }) => name);
  const findings = (await asFailure(async () => provider.machine?.loadImages(group, names, signal))) ?? [];
  for (const { id, severity, message, subjects } of findings) journal.finding(id, severity, message, subjects);
}

async function calicoOrBlame(rehearsal: Rehearsal): Promise<void> {
  try {
    await installCalico(rehearsal);
  } catch (error) {
    throw (await scenarioToBlame(rehearsal, error)) ?? error;
  }
}

/** kind's word is not enough: there must be a kubeconfig that leads somewhere. */
async function connect(rehearsal: Rehearsal): Promise<void> {
  try {
    await rehearsal.connect();
  } catch (error) {
    if (rehearsal.signal.aborted) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new RehearsalFailure('error', 'provision-failed', `kind made no cluster that can be reached: ${why}`, {
      cause: error,
    });
  }
}

async function installCalico(rehearsal: Rehearsal): Promise<void> {
  const { scenario, api, limits, journal } = rehearsal;
  const { calico } = scenario;
  const manifests = calicoManifests(calico.version).flatMap(({ objects }) => objects);
  await applyAll(rehearsal, manifests, true);
  journal.changed('applied', `Calico ${calico.version}`, 'CRDs and the Tigera operator');
  await waitForCrds(rehearsal, manifests);
  await applyAll(rehearsal, calicoCustomResources(calico));
  if (Object.keys(calico.felix).length > 0) {
    await api.apply(felixConfigurations, felixConfigurationFor(calico.felix));
    journal.changed('applied', 'FelixConfiguration default');
  }
  await waitForCalicoAtRest(rehearsal);
  const ready = await rehearsal.wait({
    what: 'all nodes to be Ready',
    resource: nodes,
    timeoutMs: limits.calico,
    pending: (found) => {
      const unready = found.filter((node) => !isNodeReady(node)).map((node) => node.metadata.name);
      return unready.length === 0 ? null : `not Ready: ${unready.join(', ')}`;
    },
  });
  // The node image decides, whatever the scenario says: the report must name what was rehearsed on.
  const versions = new Set(ready.map(({ status }) => status?.nodeInfo?.kubeletVersion.replace(/^v/, '')));
  const kubernetes = [...versions].filter((version) => version !== undefined && version !== '').join(', ');
  if (kubernetes !== '') journal.finding('versions', 'info', `The nodes run Kubernetes ${kubernetes}`, [], { kubernetes });
}

function isNodeReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

/** What is applied, or read, before its CRD is established does not exist for the API ("no matches for kind"). */
async function waitForCrds(rehearsal: Rehearsal, manifests: readonly KubeObject[]): Promise<void> {
  const names = manifests
    .filter(({ kind }) => kind === 'CustomResourceDefinition')
    .map(({ metadata }) => metadata.name);
  const established = (crd: CustomResourceDefinition): boolean =>
    crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true;
  await rehearsal.wait({
    what: "Calico's CRDs to be established",
    resource: customResourceDefinitions,
    timeoutMs: rehearsal.limits.calico,
    pending: (crds) => {
      const ready = new Set(crds.filter(established).map(({ metadata }) => metadata.name));
      const missing = names.filter((name) => !ready.has(name));
      return missing.length === 0 ? null : `not established: ${missing.join(', ')}`;
    },
  });
}

/** An Installation that the operator calls invalid is the scenario's fault, not the environment's. */
async function scenarioToBlame(rehearsal: Rehearsal, error: unknown): Promise<RehearsalFailure | undefined> {
  if (!(error instanceof Error && error.name === 'WaitTimeout')) return undefined;
  const invalid = (await degradedStatuses(rehearsal)).filter(({ reason }) => /Invalid|Validation/i.test(reason));
  if (invalid.length === 0) return undefined;
  const why = invalid.map(({ name, why: text }) => `${name}: ${text}`).join('; ');
  return new RehearsalFailure(
    'refused',
    'scenario-invalid',
    `Calico's operator refuses the Installation (${why}); see calico.* in the scenario`,
    { cause: error },
  );
}
