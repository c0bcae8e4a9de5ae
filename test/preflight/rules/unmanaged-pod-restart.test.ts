import { expect, test } from 'vitest';
import { unmanagedPodRestart as rule } from '../../../src/preflight/rules/unmanaged-pod-restart.ts';
import { type Change, found, values } from '../rig.ts';

const watcher = (unmanagedPodWatcher: object) => values({ operator: { unmanagedPodWatcher } });

test('the lab passes: ours is false at the install and true in the final values', () => {
  expect(found(rule)).toEqual([]);
});

test.each<[string, Change]>([
  ['false', watcher({ restart: false })],
  ['only an interval', watcher({ intervalSeconds: 5 })],
  ['an interval of 0, which is off', watcher({ restart: true, intervalSeconds: 0 })],
  ['true in the final values', { cilium: { finalValues: { operator: { unmanagedPodWatcher: { restart: true } } } } }],
])('passes: %s', (_, change) => {
  expect(found(rule, change)).toEqual([]);
});

test('refuses true, and the text that a template takes for true', () => {
  expect(found(rule, watcher({ restart: true }))).toEqual([
    "lab.yaml: cilium.values.operator.unmanagedPodWatcher.restart: true lets Cilium's operator delete every CoreDNS pod without a CiliumEndpoint, one each 15 to 30 s for as long as CoreDNS is on Calico; write false, the final values switch it on",
  ]);
  expect(found(rule, watcher({ restart: 'false' }))).toHaveLength(1);
});
