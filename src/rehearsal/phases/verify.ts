/** Phase 11: the last look, with Cilium's own connectivity test where it is asked for. */

import { durationMs } from '../../time/duration.ts';
import { reachCheckpoint } from '../checkpoint.ts';
import { readNodePorts } from '../node-ports.ts';
import { RehearsalFailure } from '../outcome.ts';
import { causeInCluster } from '../pod-causes.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';

export const verify: PhaseRunner = async (rehearsal) => {
  const { journal, scenario } = rehearsal;
  if (scenario.finish.connectivityTest !== false) {
    await journal.inStep('connectivity-test', () => connectivityTest(rehearsal));
  }
  await journal.inStep('last-readings', () => readNodePorts(rehearsal, 'final'));
  await reachCheckpoint(rehearsal, ['final']);
};

/** Without its log check over the agents' whole life, which would see our own restarts (cilium-cli v0.19.7). */
async function connectivityTest(rehearsal: Rehearsal): Promise<void> {
  const asked = rehearsal.scenario.finish.connectivityTest;
  if (asked === false) return;
  const tests = asked.tests.flatMap((test) => ['--test', test]);
  const { kubeconfig } = rehearsal.provider;
  const args = [
    ...['connectivity', 'test', '--kubeconfig', kubeconfig, '--context', `kind-${rehearsal.scenario.cluster.name}`],
    ...['--test', '!/check-log-errors', ...tests, '--timeout', asked.timeout],
  ];
  const result = await rehearsal.commands.try('cilium', args, durationMs(asked.timeout) + 60_000);
  if (result.exitCode === 0) return;
  const failed = result.stdout.split('\n').filter((line) => /❌|\[=\] .*fail/i.test(line));
  const message = `connectivity-test: ${failed.slice(0, 5).join('; ') || result.stderr.trim().slice(-500)}`;
  // It never came to a test, most likely because an image of its own pods did not come.
  const cause = failed.length === 0 ? await causeInCluster(rehearsal.rawApi).catch(() => undefined) : undefined;
  if (cause) throw new RehearsalFailure(cause.verdict, cause.reason, `${message} (cause: ${cause.message})`);
  throw new RehearsalFailure('failed', 'connectivity-test-failed', message);
}
