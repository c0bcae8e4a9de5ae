import { expect, test } from 'vitest';
import { backToCalico, handworkFor } from '../../src/rehearsal/handwork.ts';

test('a node that was only cordoned is uncordoned', () => {
  expect(backToCalico('kind-worker', 'cordoned')).toEqual(['kubectl uncordon kind-worker']);
});

test.each(['labelled', 'switched'] as const)('a %s node goes back by label, agent, files, pods', (stage) => {
  const words = backToCalico('kind-worker', stage).join('\n');
  const places = [
    'default-',
    'delete pod -l k8s-app=cilium',
    '--for=condition=Ready',
    'mv 10-calico',
    'rm -f 05-cilium',
    'uncordon',
  ];
  const found = places.map((place) => words.indexOf(place));
  expect(found.every((at) => at >= 0)).toBe(true);
  expect(found).toEqual([...found].sort((a, b) => a - b));
});

test.each([
  [false, false, 1],
  [true, false, 0],
  [true, true, 5],
])('past the point of no return %j, removal blocked %j: %i commands', (pastPointOfNoReturn, removalBlocked, count) => {
  const inHand = new Map([['kind-worker', 'cordoned' as const]]);
  expect(handworkFor({ inHand, pastPointOfNoReturn, removalBlocked })).toHaveLength(count);
});
