/** Behind a symptom: what pods, their logs and their events say, and what they must not be believed. */
import { describe, expect, test } from 'vitest';
import { ApiUnreachable } from '../../src/kube/api.ts';
import type { KubeObject, Pod } from '../../src/kube/objects.ts';
import { WaitTimeout } from '../../src/kube/wait.ts';
import { diagnosed } from '../../src/rehearsal/diagnose.ts';
import { Cancelled, RehearsalFailure } from '../../src/rehearsal/outcome.ts';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.ts';
import { apiThat, type FakeApi } from '../evidence/rig.ts';

interface Ended {
  readonly exitCode: number;
  readonly reason?: string;
}

function crashing(name: string, ended: Ended, limits?: Record<string, string>): Pod {
  return {
    metadata: {
      name,
      namespace: 'kube-system',
      uid: name,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'cilium', uid: 'd', controller: true }],
    },
    spec: { nodeName: 'kind-worker', containers: [{ name: 'cilium-agent', ...(limits && { resources: { limits } }) }] },
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'cilium-agent',
          image: 'i:1',
          ready: false,
          restartCount: 4,
          state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
          lastState: { terminated: ended },
        },
      ],
    },
  } as unknown as Pod;
}

const event = (reason: string, uid: string, message: string): KubeObject =>
  ({ metadata: { name: 'e' }, reason, message, involvedObject: { uid } }) as unknown as KubeObject;

const timedOut = (what: string, verdict: 'failed' | 'refused' = 'failed'): RehearsalFailure =>
  new RehearsalFailure(verdict, verdict === 'failed' ? 'step-timed-out' : 'scenario-invalid', `a-step: ${what}`, {
    cause: new WaitTimeout(what, 'x'),
  });

const AGENT = timedOut(
  'timed out waiting for cilium to be rolled out; last seen: kube-system/cilium-abcde on kind-worker',
);

async function diagnose(failure: RehearsalFailure, api: FakeApi, signal = new AbortController().signal) {
  const rehearsal: Partial<Rehearsal> = {
    signal,
    rawApi: apiThat(api),
    scenario: { cluster: { controlPlanes: 1, name: 'kind' } } as Rehearsal['scenario'],
    plan: { nodes: [] } as unknown as Rehearsal['plan'],
  };
  return diagnosed(rehearsal as Rehearsal, failure);
}

const log =
  (body: string, status = 200) =>
  () =>
    Promise.resolve({ status, body });

describe('a container that does not stay up', () => {
  const pod = crashing('cilium-abcde', { exitCode: 1, reason: 'Error' });

  test('is told with its last words, which are kept as the log', async () => {
    const asked: string[] = [];
    const raw = (path: string) => {
      asked.push(path);
      return log('level=info msg=start\nlevel=fatal msg="cannot mount bpffs"\n')();
    };
    const failure = await diagnose(AGENT, { objects: { pods: [pod] }, raw });
    expect(failure).toMatchObject({ verdict: 'failed', reason: 'step-timed-out' });
    expect(failure.message).toContain(AGENT.message);
    expect(failure.message).toMatch(
      /container cilium-agent ended with exit code 1 \(Error\), started again 4 times: .*cannot mount bpffs/,
    );
    expect(failure.log?.of).toBe('kube-system/cilium-abcde, container cilium-agent (before its last start)');
    expect(asked).toEqual([
      '/api/v1/namespaces/kube-system/pods/cilium-abcde/log?container=cilium-agent&previous=true&tailLines=200',
    ]);
  });

  test('for a limit of the host is the environment', async () => {
    const failure = await diagnose(AGENT, {
      objects: { pods: [pod] },
      raw: log('fsnotify watcher: too many open files\n'),
    });
    expect(failure).toMatchObject({ verdict: 'error', reason: 'runner-overloaded' });
    expect(failure.message).toContain('sysctl fs.inotify.max_user_instances');
  });

  test('without a log is told all the same', async () => {
    const failure = await diagnose(AGENT, { objects: { pods: [pod] }, raw: log('{"code":501}', 501) });
    expect(failure.message).toContain('ended with exit code 1');
    expect(failure.log).toBeNull();
  });

  test('that the failure does not speak of explains nothing', async () => {
    const other = timedOut('timed out waiting for goldpinger to be available');
    expect(await diagnose(other, { objects: { pods: [pod] } })).toBe(other);
  });

  test.each<[string, Ended, Record<string, string> | undefined, KubeObject[], string]>([
    ['from outside', { exitCode: 137, reason: 'Error' }, undefined, [], 'error runner-overloaded'],
    [
      'by the machine, which has no memory',
      { exitCode: 137, reason: 'OOMKilled' },
      undefined,
      [],
      'error runner-overloaded',
    ],
    ['over its own limit', { exitCode: 137, reason: 'OOMKilled' }, { memory: '1Gi' }, [], 'failed step-timed-out'],
    [
      'by its kubelet, because its probe failed',
      { exitCode: 137, reason: 'Error' },
      undefined,
      [event('Killing', 'cilium-abcde', 'Container cilium-agent failed liveness probe, will be restarted')],
      'failed step-timed-out',
    ],
  ])('killed %s', async (_, ended, limits, events, is) => {
    const failure = await diagnose(AGENT, {
      objects: { pods: [crashing('cilium-abcde', ended, limits)], events },
      raw: log('level=info msg=fine\n'),
    });
    expect(`${failure.verdict} ${failure.reason}`).toBe(is);
  });
});

describe('an image that does not come', () => {
  const waiting = crashing('cilium-abcde', { exitCode: 0 });
  const status = waiting.status!.containerStatuses![0]!;
  const backOff = {
    ...waiting,
    status: {
      containerStatuses: [
        {
          ...status,
          lastState: {},
          state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "i:1"' } },
        },
      ],
    },
  } as unknown as Pod;

  test.each([
    ['toomanyrequests: You have reached your pull rate limit', 'error download-failed'],
    ['failed to resolve reference "i:1": i:1: not found', 'refused image-missing'],
    ['write /var/lib/containerd/x: no space left on device', 'error disk-full'],
  ])('is told by its event where the pod itself only says that it waits: %s', async (text, is) => {
    const events = [
      event('Failed', 'other', 'Failed to pull image "i:1": x'),
      event('Failed', 'cilium-abcde', `Failed to pull image "i:1": ${text}`),
    ];
    const failure = await diagnose(AGENT, { objects: { pods: [backOff], events } });
    expect(`${failure.verdict} ${failure.reason}`).toBe(is);
    expect(failure.message).toContain(text);
  });

  test('for a reason that nobody tells is a download that failed', async () => {
    const failure = await diagnose(AGENT, { objects: { pods: [backOff] } });
    expect(failure).toMatchObject({ verdict: 'error', reason: 'download-failed' });
  });
});

describe('a workload of the scenario that never comes up', () => {
  const shop = (more: object): Pod =>
    ({
      metadata: {
        ...{ name: 'shop-6f7c-x', namespace: 'default', uid: 'u' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'shop-6f7c', uid: 'r', controller: true }],
      },
      spec: { containers: [{ name: 'c' }] },
      ...more,
    }) as unknown as Pod;
  const failure = timedOut(
    'timed out waiting for Deployment default/shop to be available; last seen: 0 of 1',
    'refused',
  );

  test('is told with the words of the scheduler', async () => {
    const message = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.";
    const pod = shop({ status: { conditions: [{ type: 'PodScheduled', status: 'False', message }] } });
    const told = await diagnose(failure, { objects: { pods: [pod] } });
    expect(told).toMatchObject({ verdict: 'refused', reason: 'scenario-invalid' });
    expect(told.message).toContain(message);
  });

  test('is told with its own last words', async () => {
    const containerStatuses = [
      { name: 'c', image: 'i', ready: false, restartCount: 2, state: {}, lastState: { terminated: { exitCode: 2 } } },
    ];
    const told = await diagnose(failure, {
      objects: { pods: [shop({ status: { containerStatuses } })] },
      raw: log('no such file: /etc/shop.yaml\n'),
    });
    expect(told).toMatchObject({ verdict: 'refused', reason: 'scenario-invalid' });
    expect(told.message).toContain('no such file: /etc/shop.yaml');
  });
});

test('nothing is looked at when the run was cancelled, and a cluster that is gone changes nothing', async () => {
  const pod = crashing('cilium-abcde', { exitCode: 1 });
  expect(await diagnose(AGENT, { objects: { pods: [pod] } }, AbortSignal.abort(new Cancelled('SIGINT')))).toBe(AGENT);
  const list = () => Promise.reject(new ApiUnreachable('refused', 'GET /api/v1/pods'));
  expect(await diagnose(AGENT, { list })).toBe(AGENT);
});
