import { expect, test } from 'vitest';
import { tunnelPortClash } from '../../../src/preflight/rules/tunnel-port-clash.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, found, foundLive, pool } from '../facts.ts';

const json = (value: JsonObject): JsonObject => value;
const on4789 = { cilium: { tunnelPort: 4789 } } as const;

test.each<[string, Change]>([
  ['the lab', {}],
  ['a port left open', { cilium: { tunnelPort: null as never } }],
  ["Cilium's own default", { cilium: { values: json({ tunnelPort: 0 }) } }],
  ["Calico's port, but Calico has no VXLAN device", { ...on4789, calico: { encapsulation: 'IPIP' } }],
  ['likewise, by plain routing', { ...on4789, calico: { encapsulation: 'None' } }],
  ['likewise, by Felix', { ...on4789, calico: { felix: json({ vxlanEnabled: false }) } }],
  [
    'an Installation without encapsulation, which is IPIP',
    { ...on4789, calico: { installation: json({ calicoNetwork: { ipPools: [{ cidr: '192.168.0.0/16' }] } }) } },
  ],
  ["Calico's default port, but Felix has another", { ...on4789, calico: { felix: json({ vxlanPort: 4790 }) } }],
  ['native routing has no tunnel', { cilium: { tunnelPort: 4789, values: json({ routingMode: 'native' }) } }],
])('%s passes', (_, change) => {
  expect(found(tunnelPortClash, change)).toEqual([]);
});

test.each<[string, Change, string]>([
  [
    "Calico's default",
    on4789,
    "lab.yaml: cilium.tunnelPort: Cilium's VXLAN on UDP port 4789 is on the port of Calico's VXLAN (Felix's default): the second tunnel device cannot come up; write 8473 instead",
  ],
  [
    'geneve on it: a UDP port has one socket',
    { cilium: { tunnelPort: 4789, tunnelProtocol: 'geneve' } },
    "lab.yaml: cilium.tunnelPort: Cilium's Geneve on UDP port 4789 is on the port of Calico's VXLAN (Felix's default): the second tunnel device cannot come up; write 6081 instead",
  ],
  [
    'a text, which charts without a schema take',
    { cilium: { values: json({ tunnelPort: '4789' }) } },
    "lab.yaml: cilium.values.tunnelPort: Cilium's VXLAN on UDP port 4789 is on the port of Calico's VXLAN (Felix's default): the second tunnel device cannot come up; write 8473 instead",
  ],
  [
    'a port of the final values, the first one left open',
    { cilium: { tunnelPort: null as never, finalValues: json({ tunnelPort: 4789 }) } },
    "lab.yaml: cilium.finalValues.tunnelPort: Cilium's VXLAN on UDP port 4789 is on the port of Calico's VXLAN (Felix's default): the second tunnel device cannot come up; write 8473 instead",
  ],
  [
    "Felix's own port on Cilium's default",
    { cilium: { values: json({ tunnelPort: 0 }) }, calico: { felix: json({ vxlanPort: 8472 }) } },
    "lab.yaml: cilium.values.tunnelPort: Cilium's VXLAN on UDP port 8472 is on the port of Calico's VXLAN (lab.yaml: calico.felix.vxlanPort): the second tunnel device cannot come up; write 8473 instead",
  ],
  [
    'a second pool that needs VXLAN',
    {
      ...on4789,
      calico: {
        encapsulation: 'IPIP',
        installation: json({
          calicoNetwork: {
            ipPools: [
              { cidr: '192.168.0.0/17', encapsulation: 'IPIP' },
              { cidr: '192.168.128.0/17', encapsulation: 'VXLAN' },
            ],
          },
        }),
      },
    },
    "lab.yaml: cilium.tunnelPort: Cilium's VXLAN on UDP port 4789 is on the port of Calico's VXLAN (Felix's default): the second tunnel device cannot come up; write 8473 instead",
  ],
  [
    'the final values, while Calico still runs',
    { cilium: { finalValues: json({ tunnelPort: 4789 }) } },
    "lab.yaml: cilium.finalValues.tunnelPort: Cilium's VXLAN on UDP port 4789 is on the port of Calico's VXLAN (Felix's default): the second tunnel device cannot come up; write 8473 instead",
  ],
])('%s is refused', (_, change, expected) => {
  expect(found(tunnelPortClash, change)).toEqual([expected]);
});

test.each<[string, Parameters<typeof foundLive>[1], number]>([
  ['as asked for', {}, 0],
  ['Felix on the port', { felix: { metadata: { name: 'default' }, spec: { vxlanPort: 8473 } } }, 1],
  [
    'Felix on the port, but no pool needs it',
    {
      felix: { metadata: { name: 'default' }, spec: { vxlanPort: 8473 } },
      pools: [pool('a', '192.168.0.0/16', { vxlanMode: 'Never', ipipMode: 'Always' })],
    },
    0,
  ],
])('the cluster: %s', (_, change, times) => {
  const told = foundLive(tunnelPortClash, change);
  expect(told).toHaveLength(times);
  for (const line of told) expect(line).toContain('(FelixConfiguration default)');
});
