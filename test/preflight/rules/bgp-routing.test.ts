import { expect, test } from 'vitest';
import { bgpRouting } from '../../../src/preflight/rules/bgp-routing.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, factsOf } from '../facts.ts';

const bgp = (value: string): JsonObject => ({ calicoNetwork: { bgp: value } });
const KEY = 'lab.yaml: calico.installation.calicoNetwork.bgp';

test.each<[string, Change, [string, 'info' | 'warning', RegExp] | null]>([
  ['off', { calico: { installation: bgp('Disabled') } }, null],
  [
    "on by the operator's default",
    {},
    [`${KEY} (the operator's default)`, 'info', /do not need it.*; write Disabled$/],
  ],
  ['on by the scenario', { calico: { installation: bgp('Enabled') } }, [KEY, 'info', /do not need it/]],
  [
    'what routes the pods',
    { calico: { encapsulation: 'IPIPCrossSubnet' } },
    [`${KEY} (the operator's default)`, 'warning', /routed by BGP \(192\.168\.0\.0\/16: IPIPCrossSubnet\)/],
  ],
])('BGP is %s', (_, change, expected) => {
  const told = bgpRouting.judgeScenario!(factsOf(change));
  expect(bgpRouting.severity).toBe('finding');
  if (expected === null) expect(told).toEqual([]);
  else {
    const [where, weight, message] = expected;
    expect(told).toMatchObject([{ where, weight, message: expect.stringMatching(message) as unknown }]);
  }
});
