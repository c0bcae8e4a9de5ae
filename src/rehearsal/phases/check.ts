/** Phase 1: everything that can be known before anything is touched. */
import { CalicoDataMissing, calicoManifests } from '../../cni/calico.ts';
import { RehearsalFailure } from '../outcome.ts';
import { judgeStatically } from '../preflight.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';

export const check: PhaseRunner = async (rehearsal) => {
  const { scenario, commands, journal, provider } = rehearsal;
  await journal.inStep('check', async () => {
    tellIrrelevantValues(rehearsal);
    judgeStatically(rehearsal);
    mustHaveManifests(scenario.calico.version, provider.simulated);
    const tools = await commands.toolVersions();
    journal.finding('versions', 'info', 'Versions of this run', [], {
      kubernetes: scenario.kubernetes.version,
      calico: scenario.calico.version,
      cilium: scenario.cilium.version,
      goldpinger: scenario.probes.image.replace(/@.*$/, '').split(':').at(-1) ?? '',
      ...tools,
    });
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
