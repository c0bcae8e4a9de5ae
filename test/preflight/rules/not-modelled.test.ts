import { expect, test } from 'vitest';
import { notModelled } from '../../../src/preflight/rules/not-modelled.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, factsOf, found } from '../facts.ts';

const VALUE: Change = { cilium: { values: { encryption: { enabled: true } } as JsonObject } };

test.each<[string, Change, string[]]>([
  ['the lab', {}, []],
  [
    'a Helm value',
    VALUE,
    [
      'lab.yaml: cilium.values.encryption.enabled: the twin does not model cilium.values.encryption.enabled; leave it out, or let the rehearsal ignore it with --allow not-modelled',
    ],
  ],
  [
    'a key of the Installation',
    { calico: { installation: { calicoNetwork: { linuxDataplane: 'BPF' } } as JsonObject } },
    [
      'lab.yaml: calico.installation.calicoNetwork.linuxDataplane: the twin does not model calico.installation.calicoNetwork.linuxDataplane: "BPF" (modelled: Iptables); leave it out',
    ],
  ],
])('%s', (_, change, expected) => {
  expect(found(notModelled, change)).toEqual(expected);
});

test('only a value can be ignored', () => {
  const test = { tests: [], timeout: '10m' };
  const collisions = notModelled.judgeScenario!(factsOf({ ...VALUE, finish: { connectivityTest: test } }));
  expect(collisions.map(({ subjects, allowable }) => [subjects[0], allowable])).toEqual([
    ['finish.connectivityTest', false],
    ['cilium.values.encryption.enabled', undefined],
  ]);
});
