import { describe, expect, test } from 'vitest';
import { CommandNotFound, CommandTimedOut } from '../../src/host/host.ts';
import { ApiUnreachable, KubeError } from '../../src/kube/api.ts';
import type { Pod } from '../../src/kube/objects.ts';
import { WaitTimeout } from '../../src/kube/wait.ts';
import { Cancelled, CommandFailed, failureOf, RehearsalFailure } from '../../src/rehearsal/outcome.ts';
import { causeInPods } from '../../src/rehearsal/pod-causes.ts';

const running = new AbortController().signal;

function end(error: unknown, afterBaseline: boolean, simulated = false): string {
  const failure = failureOf(error, { afterBaseline, simulated, signal: running }, 'a-step');
  return `${failure.verdict} ${failure.reason}`;
}

const helm = (stderr: string): CommandFailed => new CommandFailed('helm upgrade', 1, stderr);

describe('the cause decides the verdict', () => {
  test.each([
    ['a wait', new WaitTimeout('x', 'y'), 'error provision-failed', 'failed step-timed-out'],
    ['the API away', new ApiUnreachable('x', 'y'), 'error provision-failed', 'failed control-plane-lost'],
    [
      'an API that only answers with its own trouble',
      new KubeError(500, '', 'etcdserver: no leader', 'y'),
      'error internal',
      'failed control-plane-lost',
    ],
    ['no such command', new CommandNotFound('kind'), 'error tool-missing', 'error tool-missing'],
    ['a hanging command', new CommandTimedOut('helm', 1), 'error tool-failed', 'error tool-failed'],
    ['docker failing', new CommandFailed('docker exec', 1, 'oops'), 'error tool-failed', 'error tool-failed'],
    [
      'kind create failing',
      new CommandFailed('kind create cluster', 1, 'x'),
      'error provision-failed',
      'error provision-failed',
    ],
    [
      'a full disk',
      new CommandFailed('docker exec', 1, 'write: no space left on device'),
      'error disk-full',
      'error disk-full',
    ],
    ['a refused object', new KubeError(422, 'Invalid', 'x', 'y'), 'refused scenario-invalid', 'error internal'],
    [
      'refused values',
      helm("values don't meet the specifications of the schema(s)"),
      'refused chart-rejected-values',
      'refused chart-rejected-values',
    ],
    [
      'an unknown version',
      helm('Error: chart "cilium" version "1.99.0" not found in repository'),
      'refused version-unknown',
      'refused version-unknown',
    ],
    [
      'a registry that is overloaded',
      helm('failed to fetch: 429 Too Many Requests'),
      'error download-failed',
      'error download-failed',
    ],
    ['a bug', new TypeError('x'), 'error internal', 'error internal'],
  ])('%s', (_, error, before, after) => {
    expect(end(error, false)).toBe(before);
    expect(end(error, true)).toBe(after);
  });

  test.each([new CommandFailed('docker exec', 64, 'x'), new KubeError(501, 'NotImplemented', 'x', 'y')])(
    'what only the twin lacks is not the fault of the scenario: %s',
    (error) => {
      expect(end(error, false, true)).toBe('not-modelled not-modelled');
      expect(end(error, true, false)).not.toContain('not-modelled');
    },
  );

  test('a cancelled run is cancelled, whatever broke meanwhile', () => {
    const signal = AbortSignal.abort(new Cancelled('SIGTERM'));
    const failure = failureOf(new WaitTimeout('x', 'y'), { afterBaseline: true, simulated: false, signal }, 's');
    expect([failure.verdict, failure.message]).toEqual(['cancelled', 'cancelled by SIGTERM']);
  });

  test('a known cause is kept, and the step is named where it was not', () => {
    const known = new RehearsalFailure('refused', 'rule-refused', 'no', { checkpoint: 'prepared' });
    expect(failureOf(known, { afterBaseline: true, simulated: true, signal: running }, 's')).toBe(known);
    const wait = failureOf(
      new WaitTimeout('x', 'y'),
      { afterBaseline: true, simulated: true, signal: running },
      'drain/n',
    );
    expect(wait.message).toBe('drain/n: timed out waiting for x; last seen: y');
    expect(wait.checkpoint).toBeNull();
  });
});

describe('what pods say of the environment', () => {
  const owned = (kind: string) => [{ apiVersion: 'v1', kind, name: 'o', uid: 'o', controller: true }];
  const pod = (status: Pod['status'], kind = 'ReplicaSet'): Pod =>
    ({ metadata: { name: 'p', namespace: 'n', ownerReferences: owned(kind) }, status }) as Pod;
  const waiting = (reason: string, message: string): Pod =>
    pod({
      containerStatuses: [
        {
          name: 'c',
          image: 'i:1',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { waiting: { reason, message } },
        },
      ],
    } as Pod['status']);

  test.each([
    [pod({ phase: 'Running' }), undefined],
    [waiting('CrashLoopBackOff', 'back-off'), undefined],
    [waiting('ErrImagePull', 'manifest unknown'), 'refused image-missing'],
    [waiting('ImagePullBackOff', 'failed to resolve reference "x": x: not found'), 'refused image-missing'],
    [waiting('ErrImagePull', 'dial tcp: i/o timeout'), 'error download-failed'],
    [waiting('ErrImagePull', '429 Too Many Requests'), 'error download-failed'],
    [waiting('ErrImagePull', 'write: no space left on device'), 'error disk-full'],
    [
      pod({ conditions: [{ type: 'PodScheduled', status: 'False', message: '0/2: 2 Insufficient cpu.' }] }),
      'error unschedulable',
    ],
    [
      pod({ conditions: [{ type: 'PodScheduled', status: 'False', message: '1 node(s) were unschedulable' }] }),
      undefined,
    ],
  ])('%#', (each, cause) => {
    const found = causeInPods([each]);
    expect(found && `${found.verdict} ${found.reason}`).toBe(cause);
  });

  test('a Job that never gets its image explains nothing that we wait for', () => {
    const { status } = waiting('ErrImagePull', 'manifest unknown');
    expect(causeInPods([pod(status, 'Job')])).toBeUndefined();
  });
});
