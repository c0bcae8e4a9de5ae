import { expect, test } from 'vitest';
import { cniTakeover } from '../../../src/preflight/rules/cni-takeover.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { found } from '../facts.ts';

test.each<[JsonObject, string[]]>([
  [{}, []],
  [{ customConf: true }, []],
  // Both files stand side by side, and 05 sorts before 10.
  [{ exclusive: false }, []],
  [
    { customConf: false },
    [
      'lab.yaml: cilium.values.cni.customConf: cni.customConf false lets every agent take /etc/cni/net.d from Calico at its first start, before its node is drained; write true, or leave it out',
    ],
  ],
  [
    { customConf: false, install: false },
    [
      'lab.yaml: cilium.values.cni.install: cni.install false leaves /opt/cni/bin without cilium-cni, and a switched node can start no pod; write true, or leave it out',
    ],
  ],
  [
    { uninstall: true },
    [
      "lab.yaml: cilium.values.cni.uninstall: cni.uninstall true deletes Cilium's CNI file at every stop of an agent while Calico's stays renamed, and the node has no CNI until the agent is back; write false, or leave it out",
    ],
  ],
  [
    { uninstall: 'true' },
    [
      "lab.yaml: cilium.values.cni.uninstall: cni.uninstall true deletes Cilium's CNI file at every stop of an agent while Calico's stays renamed, and the node has no CNI until the agent is back; write false, or leave it out",
    ],
  ],
])('%j', (cni, expected) => {
  expect(found(cniTakeover, { cilium: { values: { cni } as JsonObject } })).toEqual(expected);
});

test('the final values take over by design', () => {
  expect(found(cniTakeover, { cilium: { finalValues: { cni: { customConf: false } } as JsonObject } })).toEqual([]);
});
