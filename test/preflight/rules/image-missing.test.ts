import { describe, expect, test } from 'vitest';
import { readData } from '../../../src/cni/data.ts';
import { imageMissing as rule } from '../../../src/preflight/rules/image-missing.ts';
import { type Change, factsOf, found, values } from '../rig.ts';

/** Every image that is asked for. */
function asked(change: Change = {}, workloads = ''): string[] {
  const images: string[] = [];
  rule.judgeScenario!(
    factsOf(change, {
      workloads,
      imageExists: (image) => {
        images.push(image);
        return 'unknown';
      },
    }),
  );
  return [...new Set(images)];
}
const without = (missing: RegExp, change: Change = {}, workloads = '') =>
  found(rule, change, { workloads, imageExists: (image) => (missing.test(image) ? 'no' : 'yes') });

const index = JSON.parse(readData('cilium/images.json')!) as {
  images: Record<string, Record<string, { ref: string; digest: string; deployedByDefault?: boolean }>>;
};

describe('asks for what the chart renders', () => {
  test.each(Object.keys(index.images).filter((version) => readData(`cilium/${version}/values.json`) !== undefined))(
    'Cilium %s',
    (version) => {
      const { agent, operatorGeneric, envoy } = index.images[version]!;
      const envoys = envoy!.deployedByDefault === false ? [] : [envoy!.ref];
      expect(asked({ cilium: { version } }).filter((image) => image.includes('cilium'))).toEqual([
        agent!.ref,
        operatorGeneric!.ref,
        ...envoys,
      ]);
      const pinned = { image: { useDigest: true }, operator: { image: { useDigest: true } } };
      expect(asked({ cilium: { version, values: pinned } })).toEqual(
        expect.arrayContaining([
          `${agent!.ref}@${agent!.digest}`,
          `${operatorGeneric!.ref}@${operatorGeneric!.digest}`,
        ]),
      );
    },
  );

  test.each<[string, object, string]>([
    ['a tag', { image: { tag: 'v9' } }, 'quay.io/cilium/cilium:v9'],
    ['a repository', { operator: { image: { repository: 'my/op' } } }, 'my/op-generic:v1.19.6'],
    ['a suffix', { operator: { image: { suffix: '-ci' } } }, 'quay.io/cilium/operator-generic-ci:v1.19.6'],
    ['an override', { image: { override: 'my/cilium:x' } }, 'my/cilium:x'],
    ['a digest', { image: { useDigest: true, digest: 'sha256:ab' } }, 'quay.io/cilium/cilium:v1.19.6@sha256:ab'],
  ])('with %s', (_, given, image) => {
    expect(asked(values(given))).toContain(image);
  });

  test('no envoy where none runs, no operator where it is off; nodes, probes and workloads too', () => {
    expect(asked(values({ l7Proxy: false })).join(' ')).not.toContain('envoy');
    expect(asked(values({ envoy: { enabled: false } })).join(' ')).not.toContain('envoy');
    expect(asked(values({ operator: { enabled: false } })).join(' ')).not.toContain('operator');
    const pod =
      'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec: { containers: [{ name: c, image: my/app:1 }], initContainers: [{ name: i, image: my/init:1 }] }\n';
    expect(asked({}, pod)).toEqual(
      expect.arrayContaining([
        'kindest/node:v1.34.8',
        'docker.io/bloomberg/goldpinger:3.10.2',
        'my/app:1',
        'my/init:1',
      ]),
    );
    expect(asked({ kubernetes: { image: 'my/node:v1' } })).toContain('my/node:v1');
  });

  test('a version without bundled chart: what all charts share', () => {
    const images = asked({ cilium: { version: '1.19.2' } });
    expect(images.slice(0, 2)).toEqual(['quay.io/cilium/cilium:v1.19.2', 'quay.io/cilium/operator-generic:v1.19.2']);
    expect(images.join(' ')).not.toContain('envoy');
  });
});

test('what the registry has, or this provider cannot tell, passes', () => {
  expect(found(rule)).toEqual([]);
  expect(found(rule, {}, { imageExists: () => 'unknown' })).toEqual([]);
});

test('refuses by the key that names the image, once', () => {
  expect(without(/v9/, values({ image: { tag: 'v9' } }))).toEqual([
    "lab.yaml: cilium.values.image.tag: image.tag names quay.io/cilium/cilium:v9, which no registry has; leave it out for quay.io/cilium/cilium:v1.19.6, the chart's own",
  ]);
  expect(without(/v9/, { cilium: { finalValues: { operator: { image: { tag: 'v9' } } } } })[0]).toMatch(
    /^lab.yaml: cilium.finalValues.operator.image.tag: /,
  );
  expect(without(/envoy/)).toEqual([
    expect.stringMatching(/^lab.yaml: cilium.version: Cilium 1.19.6 names quay.io\/cilium\/cilium-envoy:/) as string,
  ]);
  expect(without(/goldpinger/)[0]).toMatch(
    /^lab.yaml: probes.image: it names docker.io\/bloomberg\/goldpinger:3.10.2, /,
  );
  expect(without(/kindest/)[0]).toMatch(/^lab.yaml: kubernetes.version: 1.34.8 names kindest\/node:v1.34.8, /);
  const pod =
    'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec: { containers: [{ name: c, image: my/app:1 }] }\n';
  expect(without(/my/, {}, pod)).toEqual([
    'w.yaml: Pod default/p: container c names my/app:1, which no registry has; write a tag that exists',
  ]);
});
