import { expect, test } from 'vitest';
import type { Pod } from '../../src/kube/objects.ts';
import { type DrainOptions, drainDecision } from '../../src/rehearsal/drain-filter.ts';

const PLAIN: DrainOptions = { deleteEmptyDirData: false, force: false };

function pod(options: { owner?: string; mirror?: boolean; emptyDir?: boolean; phase?: string }): Pod {
  return {
    metadata: {
      name: 'p',
      namespace: 'ns',
      ...(options.mirror ? { annotations: { 'kubernetes.io/config.mirror': 'x' } } : {}),
      ownerReferences: options.owner
        ? [{ apiVersion: 'apps/v1', kind: options.owner, name: 'o', uid: 'u', controller: true }]
        : [],
    },
    spec: { containers: [], volumes: options.emptyDir ? [{ name: 'v', emptyDir: {} }] : [] },
    status: { phase: options.phase ?? 'Running' },
  } as Pod;
}

test.each([
  ['of a ReplicaSet', { owner: 'ReplicaSet' }, PLAIN, 'evict'],
  ['of a DaemonSet', { owner: 'DaemonSet' }, PLAIN, 'skip'],
  ['of a DaemonSet with local storage', { owner: 'DaemonSet', emptyDir: true }, PLAIN, 'skip'],
  ['of a node (static)', { owner: 'Node', mirror: true }, PLAIN, 'skip'],
  ['with local storage', { owner: 'ReplicaSet', emptyDir: true }, PLAIN, 'refuse'],
  [
    'with local storage that may go',
    { owner: 'ReplicaSet', emptyDir: true },
    { ...PLAIN, deleteEmptyDirData: true },
    'evict',
  ],
  ['of nobody', {}, PLAIN, 'refuse'],
  ['of nobody, by force', {}, { ...PLAIN, force: true }, 'evict'],
  ['of nobody, ended', { phase: 'Succeeded' }, PLAIN, 'evict'],
  ['of a job, failed, with local storage', { owner: 'Job', phase: 'Failed', emptyDir: true }, PLAIN, 'evict'],
] as const)('a pod %s: %j', (_, shape, options, action) => {
  expect(drainDecision(pod(shape), options).action).toBe(action);
});
