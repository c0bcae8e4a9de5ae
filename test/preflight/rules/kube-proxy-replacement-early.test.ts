import { expect, test } from 'vitest';
import { kubeProxyReplacementEarly as rule } from '../../../src/preflight/rules/kube-proxy-replacement-early.ts';
import { type Change, found, values } from '../rig.ts';

const on = (version: string, given: object) => ({ cilium: { version, values: given as never } });

test.each<[string, Change]>([
  ['the lab', {}],
  ['false', values({ kubeProxyReplacement: false })],
  ['"false"', values({ kubeProxyReplacement: 'false' })],
  ['disabled', on('1.15.19', { kubeProxyReplacement: 'disabled' })],
  ['legacy host routing off, which has no effect without it', values({ bpf: { hostLegacyRouting: false } })],
  ['true in the final values', { cilium: { finalValues: { kubeProxyReplacement: true, bpf: { masquerade: true } } } }],
  ['a key that the chart dropped', on('1.19.6', { nodePort: { enabled: true } })],
  ['a key that the chart dropped', on('1.17.18', { externalIPs: { enabled: true } })],
])('passes: %s', (_, change) => {
  expect(found(rule, change)).toEqual([]);
});

test.each<[string, Change]>([
  ['kubeProxyReplacement', values({ kubeProxyReplacement: true })],
  ['kubeProxyReplacement', values({ kubeProxyReplacement: 'true' })],
  ['kubeProxyReplacement', on('1.14.19', { kubeProxyReplacement: 'strict' })],
  ['kubeProxyReplacement', on('1.15.19', { kubeProxyReplacement: 'partial' })],
  ['nodePort.enabled', on('1.18.12', { nodePort: { enabled: true } })],
  ['externalIPs.enabled', on('1.16.19', { externalIPs: { enabled: true } })],
  ['socketLB.enabled', values({ socketLB: { enabled: true } })],
  ['bpf.masquerade', values({ bpf: { masquerade: true } })],
])('refuses %s', (path, change) => {
  const messages = found(rule, change);
  expect(messages).toHaveLength(1);
  expect(messages[0]).toContain(`lab.yaml: cilium.values.${path}: `);
  expect(messages[0]).toContain('write it under cilium.finalValues');
});

test('names both at once, each with its value', () => {
  expect(found(rule, values({ kubeProxyReplacement: true, bpf: { masquerade: true } }))).toEqual([
    'lab.yaml: cilium.values.kubeProxyReplacement: true makes Cilium answer for Services in the sockets and at the interfaces of every node while kube-proxy does so too; leave it out here and write it under cilium.finalValues',
    'lab.yaml: cilium.values.bpf.masquerade: true takes masquerading out of the iptables rules through which pods on Calico and pods on Cilium reach each other, and needs kube-proxy replacement; leave it out here and write it under cilium.finalValues',
  ]);
});
