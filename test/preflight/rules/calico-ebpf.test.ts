import { expect, test } from 'vitest';
import { calicoEbpf as rule } from '../../../src/preflight/rules/calico-ebpf.ts';
import { type Change, found, foundLive } from '../rig.ts';

const dataplane = (linuxDataplane: string) => ({ calico: { installation: { calicoNetwork: { linuxDataplane } } } });

test.each<[string, Change]>([
  ['the lab', {}],
  ['Iptables', dataplane('Iptables')],
  ['Nftables, which shares the kernel hooks', dataplane('Nftables')],
  ['bpfEnabled false', { calico: { felix: { bpfEnabled: false } } }],
])('passes: %s', (_, change) => {
  expect(found(rule, change)).toEqual([]);
});

test('refuses data planes past the kernel stack, in the scenario', () => {
  expect(found(rule, dataplane('BPF'))).toEqual([
    "lab.yaml: calico.installation.calicoNetwork.linuxDataplane: with BPF Calico carries packets past the kernel's routing and iptables, through which pods on Calico and pods on Cilium reach each other; write Iptables and migrate from there",
  ]);
  expect(found(rule, dataplane('VPP'))).toHaveLength(1);
  expect(found(rule, { calico: { felix: { bpfEnabled: true } } })[0]).toMatch(/^lab.yaml: calico.felix.bpfEnabled: /);
});

test('judges the cluster as it is', () => {
  const spec = { calicoNetwork: { linuxDataplane: 'BPF' } };
  expect(foundLive(rule)).toEqual([]);
  expect(foundLive(rule, { installation: undefined })).toEqual([]);
  expect(foundLive(rule, { installation: { metadata: { name: 'default' }, spec } })[0]).toMatch(
    /^Installation default: spec.calicoNetwork.linuxDataplane: with BPF /,
  );
  const felix = { metadata: { name: 'default' }, spec: { bpfEnabled: true } } as never;
  expect(foundLive(rule, { felix })[0]).toMatch(/^FelixConfiguration default: spec.bpfEnabled: /);
});
