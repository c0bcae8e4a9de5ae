/** Phase 1: everything that can be known before anything is touched. */
import { CalicoDataMissing, calicoManifests } from '../../cni/calico.ts';
import { RehearsalFailure } from '../outcome.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';

export const check: PhaseRunner = async (rehearsal) => {
  const { scenario, commands, journal, provider } = rehearsal;
  await journal.inStep('check', async () => {
    reviewed(rehearsal);
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

/** What the provider cannot rehearse ends the run before anything is made, unless the scenario allows it. */
function reviewed({ scenario, provider, journal }: Rehearsal): void {
  const { notModelled, notModelledValues, irrelevantValues, unknownValues } = provider.review(scenario);
  const allowed = scenario.preflight.allow.includes('not-modelled');
  if (irrelevantValues.length > 0) {
    journal.finding('irrelevant-values', 'info', 'These values change nothing that is rehearsed', irrelevantValues);
  }
  if (unknownValues.length > 0) {
    journal.finding('unknown-value', 'warning', "The chart's values do not know these paths", unknownValues);
  }
  const message = (what: readonly string[]): string => `The ${provider.name} does not model ${what.join(', ')}`;
  if (notModelled.length > 0) {
    throw new RehearsalFailure('not-modelled', 'not-modelled', `${message(notModelled)}; leave it out`);
  }
  if (notModelledValues.length === 0) return;
  if (!allowed) {
    throw new RehearsalFailure(
      'not-modelled',
      'not-modelled',
      `${message(notModelledValues)}; leave it out, or let the rehearsal ignore it with preflight.allow: [not-modelled]`,
    );
  }
  journal.finding('not-modelled', 'warning', message(notModelledValues), notModelledValues, undefined, true);
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
