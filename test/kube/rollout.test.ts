import { describe, expect, test } from 'vitest';
import type { DaemonSet, Deployment } from '../../src/kube/objects.ts';
import { daemonSetRolledOut, deploymentRolledOut } from '../../src/kube/rollout.ts';

describe('a DaemonSet', () => {
  const cases: [status: object, verdict: true | RegExp][] = [
    [
      { observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 },
      /not yet observed/,
    ],
    // Recorded: counts that are 0 are left out.
    [{ observedGeneration: 2, desiredNumberScheduled: 3 }, /^0 of 3 pods/],
    [
      { observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 2, numberAvailable: 3 },
      /^2 of 3 pods.*updated/,
    ],
    [
      { observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 },
      /^2 of 3 .*available/,
    ],
    [{ observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 }, true],
    [{ observedGeneration: 3, desiredNumberScheduled: 0 }, true],
  ];
  test.each(cases)('%j', (status, verdict) => {
    const set = { metadata: { name: 'd', generation: 2 }, status } as DaemonSet;
    if (verdict === true) expect(daemonSetRolledOut(set)).toBe(true);
    else expect(daemonSetRolledOut(set)).toMatch(verdict);
  });

  test('that is only replaced by hand cannot be waited for', () => {
    const set = { metadata: { name: 'd' }, spec: { updateStrategy: { type: 'OnDelete' } } } as unknown as DaemonSet;
    expect(() => daemonSetRolledOut(set)).toThrow('OnDelete');
  });
});

describe('a Deployment', () => {
  const late = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
  const cases: [status: object, verdict: true | RegExp][] = [
    [{ observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: 3 }, /not yet observed/],
    [{ observedGeneration: 2 }, /^0 of 3 pods/],
    [
      { observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 3, conditions: late },
      /deadline is exceeded/,
    ],
    [{ observedGeneration: 2, replicas: 4, updatedReplicas: 3, availableReplicas: 4 }, /^1 old pods/],
    [{ observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 2 }, /^2 of 3 .*available/],
    [{ observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 3 }, true],
  ];
  test.each(cases)('%j', (status, verdict) => {
    const deployment = {
      metadata: { name: 'd', generation: 2 },
      spec: { replicas: 3 },
      status,
    } as unknown as Deployment;
    if (verdict === true) expect(deploymentRolledOut(deployment)).toBe(true);
    else expect(deploymentRolledOut(deployment)).toMatch(verdict);
  });
});
