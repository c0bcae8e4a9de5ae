/** Manifests and lines: what arrives as text. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLineSplitter } from '../../src/kube/line-splitter.ts';
import { inApplyOrder, parseManifests } from '../../src/kube/manifests.ts';
import { resourceForObject, resourcesOfDefinitions } from '../../src/kube/resources.ts';

test('lines come out whole, wherever the chunks were cut', () => {
  const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\n'));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat({ max: 40 })), (lines, cuts) => {
      const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join(''));
      const seen: string[] = [];
      const splitter = createLineSplitter((text) => void seen.push(text));
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        splitter.push(bytes.subarray(at, at + cut));
        at = Math.min(at + cut, bytes.length);
      }
      expect(seen).toEqual(lines);
      expect(splitter.end()).toBe('');
    }),
  );
});

test('a line that was cut off is not handed out', () => {
  const seen: string[] = [];
  const splitter = createLineSplitter((text) => void seen.push(text));
  splitter.push(new TextEncoder().encode('one\ntw'));
  expect([seen, splitter.end()]).toEqual([['one'], 'tw']);
});

const YAML = `# a comment
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: d, namespace: n }
---
---
apiVersion: v1
kind: ConfigMapList
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: a } }
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: b } }
---
apiVersion: v1
kind: Namespace
metadata: { name: n }
`;

describe('manifests', () => {
  test.each([
    ['plain', YAML],
    ['gzipped', new Uint8Array(gzipSync(YAML))],
  ])('%s: every document, Lists unpacked, empty ones left out', (_title, content) => {
    expect(parseManifests(content).map((object) => `${object.kind} ${object.metadata.name}`)).toEqual([
      'Deployment d',
      'ConfigMap a',
      'ConfigMap b',
      'Namespace n',
    ]);
  });

  test('are applied with namespaces and definitions first', () => {
    expect(inApplyOrder(parseManifests(YAML)).map((object) => object.kind)).toEqual([
      'Namespace',
      'ConfigMap',
      'ConfigMap',
      'Deployment',
    ]);
  });

  test.each([
    ['kind: A', 'x.yaml, document 1: not a Kubernetes object'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {}', 'x.yaml, document 1: Pod without a name'],
    ['---\na: [', 'x.yaml, document 1: '],
  ])('%j is refused with its place', (content, message) => {
    expect(() => parseManifests(content, 'x.yaml')).toThrow(message);
  });

  test('find their resource by kind, or by the definitions that come with them', () => {
    expect(resourceForObject('apps/v1', 'DaemonSet').plural).toBe('daemonsets');
    expect(() => resourceForObject('example.com/v1', 'Policy')).toThrow('no resource is known for Policy');
    const definition = {
      kind: 'CustomResourceDefinition',
      metadata: { name: 'policies.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'policies', kind: 'Policy' },
        versions: [
          { name: 'v1', served: true, storage: true },
          { name: 'v0', served: false, storage: false },
        ],
      },
    };
    const more = resourcesOfDefinitions([definition]);
    expect(more).toHaveLength(1);
    expect(resourceForObject('example.com/v1', 'Policy', more).plural).toBe('policies');
  });
});
