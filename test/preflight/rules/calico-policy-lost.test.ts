import { expect, test } from 'vitest';
import { calicoPolicyLost as rule } from '../../../src/preflight/rules/calico-policy-lost.ts';
import { found, foundLive } from '../rig.ts';

const object = (kind: string, more = '', apiVersion = 'projectcalico.org/v3') => `
apiVersion: ${apiVersion}
kind: ${kind}
metadata: { name: mine${more} }
spec: {}
`;
const keep = { finish: { removeCalico: false } };

test('Kubernetes policies stay and are not judged', () => {
  expect(found(rule, {}, { workloads: object('NetworkPolicy', '', 'networking.k8s.io/v1') })).toEqual([]);
});

test('a policy that only Calico reads is lost with the CRDs, or with the last pod on Calico', () => {
  const workloads = object('NetworkPolicy');
  expect(found(rule, {}, { workloads })).toEqual([
    "w.yaml: NetworkPolicy default/mine: it goes with Calico's CRDs (finish.removeCalico: true), and Cilium does not read it; write a NetworkPolicy of networking.k8s.io or a CiliumNetworkPolicy instead and take this one out",
  ]);
  expect(found(rule, keep, { workloads })).toEqual([
    'w.yaml: NetworkPolicy default/mine: it stays (finish.removeCalico: false), but Calico enforces it for its own pods only, and none is left when all are on Cilium; write a NetworkPolicy of networking.k8s.io or a CiliumNetworkPolicy instead and take this one out',
  ]);
});

test.each([
  ['GlobalNetworkPolicy', 1, 1],
  ['NetworkSet', 1, 0],
  ['GlobalNetworkSet', 1, 0],
  ['HostEndpoint', 1, 0],
  ['Tier', 1, 0],
  ['StagedNetworkPolicy', 0, 0],
  ['IPPool', 0, 0],
])('%s: refused with the removal %i, without %i', (kind, removed, kept) => {
  const workloads = object(kind);
  expect(found(rule, {}, { workloads })).toHaveLength(removed);
  expect(found(rule, keep, { workloads })).toHaveLength(kept);
  expect(found(rule, {}, { workloads: object(kind, '', 'crd.projectcalico.org/v1') })).toHaveLength(removed);
});

test('in the cluster, what Calico and its operator made for themselves is not judged', () => {
  const crd = 'crd.projectcalico.org/v1';
  const own = [
    object(
      'NetworkPolicy',
      ', ownerReferences: [{ apiVersion: operator.tigera.io/v1, kind: Goldmane, name: default }]',
      crd,
    ),
    `${object('NetworkPolicy', '', crd)}`.replace('spec: {}', 'spec: { tier: calico-system }'),
    object('NetworkPolicy', '', crd).replace('name: mine', 'name: allow-tigera.cluster-dns'),
    ...['default', 'kube-admin', 'kube-baseline', 'calico-system'].map((name) =>
      object('Tier', '', crd).replace('name: mine', `name: ${name}`),
    ),
    object('HostEndpoint', ', labels: { projectcalico.org/created-by: calico-kube-controllers }', crd),
  ];
  expect(foundLive(rule, {}, {}, own.join('---'))).toEqual([]);
  const users = [object('GlobalNetworkPolicy', '', crd), object('Tier', '', crd)];
  expect(foundLive(rule, {}, {}, [...own, ...users].join('---')).map((line) => line.split(':')[0])).toEqual([
    'Calico GlobalNetworkPolicy mine',
    'Calico Tier mine',
  ]);
});
