import { expect, test } from 'vitest';
import { versionsUntested as rule } from '../../../src/preflight/rules/versions-untested.ts';
import { type Change, found } from '../rig.ts';

const versions = (kubernetes: string, calico: string, cilium: string): Change => ({
  kubernetes: { version: kubernetes },
  calico: { version: calico },
  cilium: { version: cilium },
});

test('is a finding, never a refusal', () => {
  expect(rule.severity).toBe('finding');
});

test.each<[string, Change]>([
  ['the lab', {}],
  ['both ends of ranges', versions('1.32.11', '3.31.7', '1.17.18')],
  ['old ones together', versions('1.28.15', '3.28.5', '1.16.19')],
  ['a line whose range is not known', versions('1.34.8', '3.30.7', '1.19.6')],
  ['the open end of 1.20', versions('1.31.14', '3.30.7', '1.20.0')],
  ['an image of the same version', { kubernetes: { image: 'kindest/node:v1.34.8@sha256:ab' } }],
  ['an image without a version', { kubernetes: { image: 'my/node@sha256:ab' } }],
])('nothing to tell: %s', (_, change) => {
  expect(found(rule, change)).toEqual([]);
});

test('tells which range and which version', () => {
  expect(found(rule, versions('1.36.4', '3.31.7', '1.19.6'))).toEqual([
    'lab.yaml: cilium.version: Cilium 1.19.6 is tested with Kubernetes 1.31 to 1.34, and kubernetes.version is 1.36.4; it may work, to be sure write kubernetes.version: "1.34" or another cilium.version',
    'lab.yaml: calico.version: Calico 3.31.7 is tested with Kubernetes 1.32 to 1.35, and kubernetes.version is 1.36.4; it may work, to be sure write kubernetes.version: "1.35" or another calico.version',
  ]);
  expect(found(rule, versions('1.30.13', '3.28.5', '1.19.6'))[0]).toContain('write kubernetes.version: "1.31"');
  expect(found(rule, versions('1.36.4', '3.32.1', '1.20.0'))[0]).toContain('tested with Kubernetes up to 1.35, and');
});

test('tells of pre-releases, and of a node image that runs another version', () => {
  expect(found(rule, { cilium: { version: '1.19.0-pre.2' } })[0]).toMatch(/^lab.yaml: cilium.version: .* pre-release/);
  expect(found(rule, { kubernetes: { image: 'kindest/node:v1.33.1' } })).toEqual([
    'lab.yaml: kubernetes.image: the node image kindest/node:v1.33.1 runs Kubernetes 1.33.1, kubernetes.version is 1.34.8; write the version of the image',
  ]);
});

test.each<[string, 'twin' | 'kind', number]>([
  ['1.19.6', 'kind', 0],
  ['1.19.1', 'kind', 1],
  ['1.19.1', 'twin', 0],
  ['1.19.0-pre.2', 'kind', 1],
])('Cilium %s on %s: %i to tell', (version, provider, count) => {
  const told = found(rule, { cilium: { version } }, { provider });
  expect(told).toHaveLength(count);
  if (version === '1.19.1' && count > 0)
    expect(told[0]).toMatch(/verified with Cilium 1\.14\.19, .*and not with 1\.19\.1/);
});
