/** Phase 1: everything that can be known before anything is touched. */
import { CalicoDataMissing, calicoManifests } from '../../cni/calico.ts';
import { asFailure } from '../machine.ts';
import { RehearsalFailure } from '../outcome.ts';
import { judgeStatically } from '../preflight.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';

export const check: PhaseRunner = async (rehearsal) => {
  const { scenario, commands, journal, provider } = rehearsal;
  await journal.inStep('check', async () => {
    tellIrrelevantValues(rehearsal);
    judgeStatically(rehearsal);
    mustHaveManifests(scenario.calico.version, provider.simulated);
    await setUpTools(rehearsal);
    const tools = await commands.toolVersions();
    journal.finding('versions', 'info', 'Versions of this run', [], {
      kubernetes: scenario.kubernetes.version,
      calico: scenario.calico.version,
      cilium: scenario.cilium.version,
      goldpinger: scenario.probes.image.replace(/@.*$/, '').split(':').at(-1) ?? '',
      ...tools,
    });
    if (await machineIsFit(rehearsal)) return;
    const name = scenario.cluster.name;
    if ((await commands.clusters()).includes(name)) {
      throw new RehearsalFailure(
        'refused',
        'scenario-invalid',
        `a kind cluster named ${name} exists already and is not ours: delete it (kind delete cluster --name ${name}) or set cluster.name`,
      );
    }
  });
};

/** docker must be there; what else a run needs is found or fetched. */
async function setUpTools({ commands, provider, journal, signal }: Rehearsal): Promise<void> {
  const { machine } = provider;
  if (machine === undefined) return;
  await commands.dockerVersion();
  const findings = await asFailure(() => machine.setUpTools(signal));
  for (const { id, severity, message, subjects } of findings) journal.finding(id, severity, message, subjects);
}

/**
 * A real machine is looked at before anything is touched on it, and knows itself whose a cluster of this name is.
 * @returns false: there is no machine to look at
 * @throws RehearsalFailure with all that is in the way
 */
async function machineIsFit({ provider, journal, signal }: Rehearsal): Promise<boolean> {
  if (provider.machine === undefined) return false;
  const { findings, problems } = await asFailure(() => provider.machine!.check(signal));
  for (const { id, severity, message, subjects } of findings) journal.finding(id, severity, message, subjects);
  const [first, ...others] = problems;
  if (first === undefined) return true;
  // What a scenario could do otherwise is not the machine's fault.
  const { verdict, reason } = problems.find((problem) => problem.verdict === 'error') ?? first;
  throw new RehearsalFailure(verdict, reason, [first, ...others].map(({ message }) => message).join('. Also: '));
}

/** Values that change nothing that is rehearsed are told, not judged. */
function tellIrrelevantValues({ scenario, provider, journal }: Rehearsal): void {
  const { irrelevantValues } = provider.review(scenario);
  if (irrelevantValues.length === 0) return;
  journal.finding('irrelevant-values', 'info', 'These values change nothing that is rehearsed', irrelevantValues);
}

function mustHaveManifests(version: string, simulated: boolean): void {
  try {
    calicoManifests(version);
  } catch (error) {
    if (!(error instanceof CalicoDataMissing)) throw error;
    throw simulated
      ? new RehearsalFailure('not-modelled', 'not-modelled', error.message)
      : new RehearsalFailure('refused', 'version-unknown', error.message);
  }
}
