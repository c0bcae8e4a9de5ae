import { describe, expect, test } from 'vitest';
import { calicoImages, ciliumImages, verifiedCiliumVersions } from '../../../src/cni/images.ts';
import {
  imagesIn,
  loadBalancerImage,
  mirroredImage,
  supplyOf,
  type WantedImage,
  wantedImages,
} from '../../../src/provider/kind/image-plan.ts';
import { scenario } from '../../rehearsal/scenario-fixture.ts';

test("the lab's images, in the order in which they are needed", () => {
  const wanted = wantedImages(scenario());
  expect(wanted.map(({ image, on, group }) => `${group} ${on} ${image}`)).toEqual([
    'calico somewhere quay.io/tigera/operator:v1.40.15',
    'calico every-node quay.io/calico/node:v3.31.7',
    'calico every-node quay.io/calico/cni:v3.31.7',
    'calico every-node quay.io/calico/pod2daemon-flexvol:v3.31.7',
    'calico somewhere quay.io/calico/typha:v3.31.7',
    'calico somewhere quay.io/calico/kube-controllers:v3.31.7',
    'calico somewhere quay.io/calico/apiserver:v3.31.7',
    'calico every-node quay.io/calico/csi:v3.31.7',
    'calico every-node quay.io/calico/node-driver-registrar:v3.31.7',
    'calico somewhere quay.io/calico/goldmane:v3.31.7',
    'calico somewhere quay.io/calico/whisker:v3.31.7',
    'calico somewhere quay.io/calico/whisker-backend:v3.31.7',
    'rest every-node docker.io/bloomberg/goldpinger:3.10.2',
    'rest every-node quay.io/cilium/cilium:v1.19.6',
    'rest somewhere quay.io/cilium/operator-generic:v1.19.6',
    expect.stringMatching(/^rest every-node quay\.io\/cilium\/cilium-envoy:v1\.\d+\.\d+-\d+-[0-9a-f]+$/),
  ]);
});

describe('images of Calico', () => {
  test.each([
    ['3.25.1', 9, 'docker.io/calico/node:v3.25.1'],
    ['3.28.5', 9, 'docker.io/calico/node:v3.28.5'],
    ['3.29.7', 9, 'docker.io/calico/node:v3.29.7'],
    ['3.30.7', 12, 'quay.io/calico/node:v3.30.7'],
    ['3.31.7', 12, 'quay.io/calico/node:v3.31.7'],
    ['3.32.1', 12, 'quay.io/calico/node:v3.32.1'],
  ])('%s has %i, among them %s', (version, count, node) => {
    const images = calicoImages(version, {}).map(({ image }) => image);
    expect(images).toHaveLength(count);
    expect(images).toContain(node);
  });

  test('an Installation leaves some out', () => {
    const images = calicoImages('3.31.7', { kubeletVolumePluginPath: 'None', flexVolumePath: 'None' });
    expect(images.map(({ image }) => image).filter((image) => /csi|registrar|flexvol/.test(image))).toEqual([]);
  });

  test.each([
    [{ registry: 'r.example:5000/' }, 'r.example:5000/calico/node:v3.31.7'],
    [{ registry: 'r.example', imagePath: 'deep/er' }, 'r.example/deep/er/node:v3.31.7'],
    [{ imagePrefix: 'my-' }, 'quay.io/calico/my-node:v3.31.7'],
    [{ registry: 'UseDefault', imagePath: 'UseDefault' }, 'quay.io/calico/node:v3.31.7'],
  ])('an Installation with %j names %s', (spec, node) => {
    const images = calicoImages('3.31.7', spec).map(({ image }) => image);
    expect(images).toContain(node);
    expect(images).toContain('quay.io/tigera/operator:v1.40.15');
  });
});

describe('images of Cilium', () => {
  test.each(verifiedCiliumVersions())('%s: agent and operator of its version, envoy from 1.16 on', (version) => {
    const images = ciliumImages(version, {}).map(({ image }) => image.replace(/@.*/, ''));
    expect(images).toContain(`quay.io/cilium/cilium:v${version}`);
    expect(images).toContain(`quay.io/cilium/operator-generic:v${version}`);
    const envoy = images.filter((image) => image.includes('cilium-envoy'));
    expect(envoy).toHaveLength(Number(version.split('.')[1]) >= 16 ? 1 : 0);
  });

  test('a version without data has what all charts share', () => {
    expect(ciliumImages('1.21.0', {}).map(({ image }) => image)).toEqual([
      'quay.io/cilium/cilium:v1.21.0',
      'quay.io/cilium/operator-generic:v1.21.0',
    ]);
  });

  test("the user's values win, in either moment", () => {
    const lab = scenario();
    const cilium = { ...lab.cilium, values: { image: { tag: 'v9' } }, finalValues: { image: { tag: 'v10' } } };
    const wanted = wantedImages({ ...lab, cilium });
    const agents = wanted.filter(({ image }) => image.includes('cilium/cilium:'));
    expect(agents.map(({ image }) => image)).toEqual(['quay.io/cilium/cilium:v9', 'quay.io/cilium/cilium:v10']);
  });
});

test('images of workloads stand wherever their kinds keep pods', () => {
  const pod = 'containers: [{name: a, image: one:1}]\ninitContainers: [{name: b, image: two:2}]';
  const manifest = [
    `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  ${pod.replace('\n', '\n  ')}`,
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{image: three:3}]}}}',
    'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{image: four:4}]}}}}}',
  ].join('\n---\n');
  expect(imagesIn(manifest)).toEqual(['one:1', 'two:2', 'three:3', 'four:4']);
  expect(imagesIn('{ not: [yaml')).toEqual([]);
});

describe('how an image comes to the nodes', () => {
  const image = (change: Partial<WantedImage>): WantedImage => ({
    ...{ image: 'r/i:1', on: 'every-node', group: 'rest', what: '', users: false },
    ...change,
  });
  const nowhere = { isLocal: () => false, mirrored: false, roomForAll: false };
  test.each<[string, Partial<WantedImage>, Partial<typeof nowhere>, 'load' | 'kubelet']>([
    ["a DaemonSet's", {}, {}, 'load'],
    ["a DaemonSet's with a digest", { image: 'r/i:1@sha256:00' }, {}, 'kubelet'],
    ["a Deployment's", { on: 'somewhere' }, {}, 'kubelet'],
    ["a Deployment's where there is room", { on: 'somewhere' }, { roomForAll: true }, 'load'],
    ["a Deployment's that is here", { on: 'somewhere' }, { isLocal: () => true }, 'load'],
    ["a Deployment's through a mirror", { on: 'somewhere' }, { mirrored: true }, 'load'],
    ["a workload's where there is room", { on: 'somewhere', users: true }, { roomForAll: true }, 'kubelet'],
    ["a workload's that was built here", { on: 'somewhere', users: true }, { isLocal: () => true }, 'load'],
  ])('%s', (_, change, supply, expected) => {
    expect(supplyOf(image(change), { ...nowhere, ...supply })).toBe(expected);
  });
});

describe('mirrors', () => {
  test.each([
    ['quay.io/calico/node:v3', [], 'quay.io/calico/node:v3'],
    ['quay.io/calico/node:v3', ['m.example/all/'], 'm.example/all/quay.io/calico/node:v3'],
    ['quay.io/calico/node:v3', ['quay.io=m.example/quay'], 'm.example/quay/calico/node:v3'],
    ['kindest/node:v1@sha256:00', ['docker.io=m.example:5000/hub'], 'm.example:5000/hub/kindest/node:v1@sha256:00'],
    ['busybox', ['m.example'], 'm.example/docker.io/library/busybox'],
    ['localhost/mine:1', ['docker.io=m.example'], 'localhost/mine:1'],
    ['quay.io/a/b:1', ['m.example/all', 'quay.io=q.example'], 'q.example/a/b:1'],
  ])('%s with %j is %s', (image, mirrors, expected) => {
    expect(mirroredImage(image, mirrors)).toBe(expected);
  });
});

test.each([
  ['kind v0.27.0 go1.24.0 linux/amd64', 'kindest/haproxy'],
  ['kind v0.31.0 go1.25.5 linux/arm64', 'kindest/haproxy'],
  ['kind v0.32.0 go1.26.1 linux/amd64', 'envoyproxy/envoy'],
  ['kind v0.33.0-alpha+fed26888 go1.26 linux/amd64', 'envoyproxy/envoy'],
])('%s has %s in front of its control planes', (version, image) => {
  expect(loadBalancerImage(version)).toContain(image);
});
