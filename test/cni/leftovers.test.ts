import { describe, expect, test } from 'vitest';
import { isCalicoCniFile, isCniConfig, kernelLeftovers } from '../../src/cni/leftovers.ts';

const CLEAN = {
  links: JSON.stringify([
    { ifname: 'lo', flags: ['UP'] },
    { ifname: 'eth0', flags: ['UP'] },
    { ifname: 'tunl0', flags: ['NOARP'] },
    { ifname: 'cilium_host', flags: ['UP'] },
    { ifname: 'lxc12ab', flags: ['UP'] },
  ]),
  routes: JSON.stringify([
    { dst: 'default', gateway: '172.18.0.1', dev: 'eth0', flags: [] },
    { dst: '10.244.1.0/24', gateway: '10.244.0.244', dev: 'cilium_host', protocol: 'kernel' },
  ]),
  iptables: '*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n:CILIUM_POST_nat - [0:0]\nCOMMIT\n',
};

describe("Calico's state in a node's kernel", () => {
  test('a node that only Cilium serves has none; tunl0 that is down belongs to the kernel module', () => {
    expect(kernelLeftovers('kind-worker', CLEAN)).toEqual([]);
  });

  test('devices, routes and chains are named, each kind with its remedy', () => {
    const left = kernelLeftovers('kind-worker', {
      links: JSON.stringify([{ ifname: 'vxlan.calico' }, { ifname: 'cali12345678901' }, { ifname: 'eth0' }]),
      routes: JSON.stringify([
        { type: 'blackhole', dst: '192.168.204.192/26', protocol: '80' },
        { dst: '192.168.44.64/26', gateway: '172.18.0.4', dev: 'eth0', protocol: 80 },
        { dst: '192.168.9.0/26', gateway: '172.18.0.5', dev: 'eth0', protocol: 'bird' },
        { dst: 'default', dev: 'eth0' },
      ]),
      iptables: '*filter\n:INPUT ACCEPT [0:0]\n:cali-INPUT - [0:0]\n:cali-FORWARD - [0:0]\nCOMMIT\n',
    });
    expect(left.map(({ kind, name }) => [kind, name])).toEqual([
      ['interfaces', 'cali12345678901, vxlan.calico'],
      ['routes', '192.168.44.64/26, 192.168.9.0/26, blackhole 192.168.204.192/26'],
      ['iptables chains', 'cali-FORWARD, cali-INPUT'],
    ]);
    expect(left.every(({ harmless, remedy }) => !harmless && remedy.includes('restart'))).toBe(true);
  });

  test.each([
    ['links', 'vxlan.calico', { ...CLEAN, links: '[{"ifname":"vxlan.calico"}]' }],
    ['tunl0 when it is up', 'tunl0', { ...CLEAN, links: '[{"ifname":"tunl0","flags":["UP"]}]' }],
    ['routes', '192.168.1.0/26', { ...CLEAN, routes: '[{"dst":"192.168.1.0/26","dev":"eth0","protocol":"80"}]' }],
    ['routes over its device', '192.168.1.5', { ...CLEAN, routes: '[{"dst":"192.168.1.5","dev":"cali0a"}]' }],
    ['chains', 'cali-INPUT', { ...CLEAN, iptables: '*filter\n:cali-INPUT - [0:0]\nCOMMIT\n' }],
  ])('%s alone are found', (_, name, state) => {
    expect(kernelLeftovers('n', state).map((left) => left.name)).toEqual([name]);
  });
});

test.each([
  ['10-calico.conflist', true, true],
  ['10-calico.conflist.cilium_bak', true, false],
  ['calico-kubeconfig', true, false],
  ['05-cilium.conflist', false, true],
  ['10-mine.conf', false, true],
  ['87-podman.conflist.cilium_bak', false, false],
])('%s is a file of Calico: %j, a configuration: %j', (name, calico, config) => {
  expect(isCalicoCniFile(name)).toBe(calico);
  expect(isCniConfig(name)).toBe(config);
});
