/** Waits must not pass on what was true before: restarts, recycled pods, roll-outs, Calico's status. */
import { describe, expect, test } from 'vitest';
import type { TigeraStatus } from '../../src/cni/resources.ts';
import type { DaemonSet, Deployment, Pod } from '../../src/kube/objects.ts';
import { statusPending } from '../../src/rehearsal/calico-at-rest.ts';
import { activeConfig } from '../../src/rehearsal/cni-directory.ts';
import { renewedPending } from '../../src/rehearsal/node-restart.ts';
import { isLegacyPod } from '../../src/rehearsal/recycle.ts';
import { daemonSetPending, deploymentPending } from '../../src/rehearsal/rollout.ts';

function pod(options: {
  ids?: (string | undefined)[];
  ip?: string;
  annotations?: Record<string, string>;
  spec?: object;
}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u', annotations: options.annotations ?? {} },
    spec: { containers: [], ...options.spec },
    status: {
      phase: 'Running',
      podIP: options.ip,
      containerStatuses: options.ids?.map((containerID) => ({ name: 'c', containerID })),
    },
  } as unknown as Pod;
}

describe('a pod of a restarted node', () => {
  const before = new Map([['u', new Set(['old1', 'old2'])]]);
  test.each([
    ['is back', pod({ ids: ['new1', 'new2'], ip: '10.244.0.5' }), null],
    [
      'still shows its old state (Ready, old address)',
      pod({ ids: ['old1', 'old2'], ip: '10.244.0.5' }),
      /before the restart/,
    ],
    ['is back by half', pod({ ids: ['new1', 'old2'], ip: '10.244.0.5' }), /before the restart/],
    ['waits for a container', pod({ ids: ['new1', undefined], ip: '10.244.0.5' }), /not started/],
    ['has no address though it runs', pod({ ids: ['new1', 'new2'] }), /no address/],
    ['has no containers', pod({ ids: [], ip: '10.244.0.5' }), /no containers/],
  ])('%s', (_, each, pending) => {
    const seen = renewedPending(each, before);
    if (pending === null) expect(seen).toBeNull();
    else expect(seen).toMatch(pending);
  });
});

describe('a pod is still on the legacy network', () => {
  const mark = { 'cni.projectcalico.org/containerID': 'x' };
  test.each([
    ['with an address of Calico', pod({ ip: '192.168.1.5' }), [], true],
    ['with an endpoint', pod({ ip: '10.244.1.5' }), ['ns/p'], false],
    ['just attached by Cilium, its endpoint still missing', pod({ ip: '10.244.1.5' }), [], false],
    ["with an address in Cilium's CIDR and Calico's mark", pod({ ip: '10.244.1.5', annotations: mark }), [], true],
    ['without an address', pod({}), [], false],
    ['on the host network', pod({ ip: '172.18.0.3', spec: { hostNetwork: true } }), [], false],
  ])('%s: %#', (_, each, endpoints, legacy) => {
    expect(isLegacyPod(each, new Set(endpoints), ['10.244.1.0/24'])).toBe(legacy);
  });
});

describe('a roll-out', () => {
  const set = (generation: number, observed: number, updated: number, available: number, desired: number): DaemonSet =>
    ({
      metadata: { name: 'd', generation },
      status: {
        observedGeneration: observed,
        updatedNumberScheduled: updated,
        numberAvailable: available,
        desiredNumberScheduled: desired,
      },
    }) as DaemonSet;

  test.each([
    ['is over', set(2, 2, 3, 3, 3), null],
    ['was not noticed yet', set(2, 1, 3, 3, 3), /not been observed/],
    ['is under way', set(2, 2, 2, 3, 3), /2 of 3 pods are of the current/],
    ['waits for a pod', set(2, 2, 3, 2, 3), /2 of 3 pods are available/],
    ['misses a node that is not counted as wanted', set(2, 2, 2, 2, 2), /2 of 3/],
  ])('of a DaemonSet %s', (_, each, pending) => {
    const seen = daemonSetPending(each, 3);
    if (pending === null) expect(seen).toBeNull();
    else expect(seen).toMatch(pending);
  });

  test.each([
    [{ updatedReplicas: 2, replicas: 2, availableReplicas: 2, observedGeneration: 1 }, null],
    [{ updatedReplicas: 2, replicas: 3, availableReplicas: 2, observedGeneration: 1 }, /old pods/],
    [{ updatedReplicas: 2, replicas: 2, availableReplicas: 1, observedGeneration: 1 }, /available/],
    [{ updatedReplicas: 2, replicas: 2, availableReplicas: 2, observedGeneration: 0 }, /observed/],
  ])('of a Deployment with %j', (status, pending) => {
    const seen = deploymentPending({
      metadata: { name: 'd', generation: 1 },
      spec: { replicas: 2 },
      status,
    } as Deployment);
    if (pending === null) expect(seen).toBeNull();
    else expect(seen).toMatch(pending);
  });

  test('of what does not exist is not over', () => {
    expect(daemonSetPending(undefined)).not.toBeNull();
    expect(deploymentPending(undefined)).not.toBeNull();
  });
});

describe('a TigeraStatus', () => {
  const status = (available: object, degraded = 'False'): TigeraStatus =>
    ({
      metadata: { name: 'calico' },
      status: {
        conditions: [
          { type: 'Available', ...available },
          { type: 'Degraded', status: degraded, message: 'why' },
        ],
      },
    }) as unknown as TigeraStatus;

  test.each([
    [status({ status: 'True', observedGeneration: 3 }), null],
    [status({ status: 'True' }), null],
    [status({ status: 'True', observedGeneration: 2 }), /generation 2, not 3/],
    [status({ status: 'False', observedGeneration: 3 }), /not Available/],
    [status({ status: 'True', observedGeneration: 3 }, 'True'), /Degraded: why/],
    [undefined, /does not exist/],
  ])('%#', (each, pending) => {
    const seen = statusPending('calico', each, 3);
    if (pending === null) expect(seen).toBeNull();
    else expect(seen).toMatch(pending);
  });
});

test.each([
  [['10-calico.conflist', 'calico-kubeconfig'], '10-calico.conflist'],
  [['05-cilium.conflist', '10-calico.conflist'], '05-cilium.conflist'],
  [['05-cilium.conflist', '10-calico.conflist.cilium_bak', 'calico-kubeconfig'], '05-cilium.conflist'],
  [['10-calico.conflist.cilium_bak'], undefined],
])('of %j the runtime uses %s', (files, active) => expect(activeConfig(files)).toBe(active));
