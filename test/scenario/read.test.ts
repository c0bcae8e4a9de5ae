import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { nearest } from '../../src/scenario/nearest.ts';
import { ScenarioError } from '../../src/scenario/problem.ts';
import { assertTwinData, readScenario } from '../../src/scenario/read.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { knownVersions, resolveVersion, twinVersions } from '../../src/scenario/versions.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'scenario-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const write = (name: string, content: string | Buffer): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};

/** With the name that every scenario needs, after everything else, so that places stay. */
const named = (content: string | Buffer): string | Buffer =>
  typeof content === 'string' && content.startsWith('schemaVersion: 1\n') && !/^name:/m.test(content)
    ? `${content.replace(/\n?$/, '\n')}name: s\n`
    : content;

const read = (content: string | Buffer, overrides: Record<string, string> = {}): Scenario =>
  readScenario(
    write('s.yaml', named(content)),
    's.yaml',
    Object.entries(overrides).map(([path, value]) => ({ path, value })),
  );

const problemsOf = (content: string | Buffer, overrides: Record<string, string> = {}): string[] => {
  try {
    read(content, overrides);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message.split('\n');
    throw error;
  }
  return [];
};

test('a scenario with nothing but its version and name is the lab, with pod CIDR and tunnel port left open', () => {
  const { cilium, cluster, calico, kubernetes, name } = read('schemaVersion: 1\n');
  expect({ name, workers: cluster.workers, podSubnet: cluster.podSubnet }).toEqual({
    name: 's',
    workers: 4,
    podSubnet: '192.168.0.0/16',
  });
  expect({ podCIDR: cilium.podCIDR, port: cilium.tunnelPort }).toEqual({ podCIDR: null, port: null });
  expect([kubernetes.version, calico.version, cilium.version].map((v) => v.split('.').slice(0, 2).join('.'))).toEqual([
    '1.34',
    '3.31',
    '1.19',
  ]);
  expect(kubernetes.image).toMatch(/^kindest\/node:v1\.34\.\d+@sha256:[0-9a-f]{64}$/);
});

test('podSubnet follows calico.cidr unless it is set', () => {
  expect(read('schemaVersion: 1\ncalico: {cidr: 10.1.0.0/16}\n').cluster.podSubnet).toBe('10.1.0.0/16');
  expect(
    read('schemaVersion: 1\ncalico: {cidr: 10.1.0.0/16}\ncluster: {podSubnet: 10.0.0.0/8}\n').cluster.podSubnet,
  ).toBe('10.0.0.0/8');
});

describe('what is wrong is said with its place and with what is allowed', () => {
  const v = 'schemaVersion: 1\n';
  test.each<[string, string | Buffer, RegExp]>([
    ['an empty file', '', /^s\.yaml: the file is empty/],
    ['only a comment', '# nothing\n', /s\.yaml:.*mapping of keys|empty/],
    ['a binary file', Buffer.from([1, 0, 2]), /^s\.yaml: this is a binary file/],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x41]), /not UTF-8/],
    ['a huge file', `# ${'x'.repeat(1024 * 1024)}`, /has \d+ bytes, at most 1048576/],
    ['a list', '- a\n', /s\.yaml:1:1: a scenario is a mapping/],
    ['two documents', `${v}---\n${v}`, /one YAML document/],
    ['broken YAML', 'a: [1\nb: 2\n', /s\.yaml:2:1: not valid YAML/],
    ['a key twice', `${v}name: a\nname: b\n`, /s\.yaml:3:1: not valid YAML: the key name stands twice/],
    ['no schemaVersion', 'name: a\n', /schemaVersion is missing; write "schemaVersion: 1"/],
    [
      'no name',
      'schemaVersion: 1 # and no more',
      /^s\.yaml:1:1: name is missing; write one such as "name: my-cluster"$/,
    ],
    ['another schemaVersion', 'schemaVersion: 2\nname: a\n', /s\.yaml:1:16: schemaVersion: 1 is wanted, not 2/],
    [
      'a wrong type',
      `${v}cluster:\n  workers: many\n`,
      /s\.yaml:3:12: cluster\.workers: a whole number .*, not "many"/,
    ],
    [
      'an unknown key',
      `${v}cluster:\n  wokers: 3\n`,
      /s\.yaml:3:3: cluster\.wokers: unknown key; did you mean workers\?/,
    ],
    ['an unknown key of a nested union', `${v}finish:\n  connectivityTest: {test: [a]}\n`, /finish\.connectivityTest/],
    ['two control planes', `${v}cluster: {controlPlanes: 2}\n`, /cluster\.controlPlanes: 1, 3 or 5 is wanted, not 2/],
    ['absurd sizes', `${v}cluster: {workers: 1000000}\n`, /from 1 to 10000 is wanted, not 1000000/],
    ['a CIDR with host bits', `${v}calico: {cidr: 192.168.1.0/16}\n`, /IPv4 CIDR with its network address/],
    ['no CIDR', `${v}cilium: {podCIDR: fd00::/48}\n`, /cilium\.podCIDR/],
    [
      'a duration without unit',
      `${v}gate: {observe: 120}\n`,
      /gate\.observe: a duration such as "90s" or "5m" is wanted, not 120/,
    ],
    [
      'an unknown version',
      `${v}cilium: {version: 1.99.0}\n`,
      /cilium\.version: there is no known cilium version 1\.99\.0/,
    ],
    ['an unknown rule', `${v}preflight: {allow: [pod-cidr-overlaps]}\n`, /did you mean pod-cidr-overlap\?/],
    [
      'an unknown node',
      `${v}cluster: {workers: 1}\nmigration: {order: [kind-worker, kind-control-plain]}\n`,
      /did you mean kind-control-plane\?/,
    ],
    [
      'a control plane first',
      `${v}cluster: {workers: 1}\nmigration: {order: [kind-control-plane, kind-worker]}\n`,
      /control planes come last/,
    ],
    [
      'a missing values file',
      `${v}cilium: {values: nope.yaml}\n`,
      /s\.yaml:2:18: cilium\.values: nope\.yaml: there is no such file/,
    ],
    [
      'a missing workload',
      `${v}workloads: [nope.yaml]\n`,
      /s\.yaml:2:13: workloads\.0: nope\.yaml: there is no such file/,
    ],
    [
      'fewer replicas later',
      `${v}probes: {goldpinger: {replicas: 9, replicasAfterFirstNode: 3}}\n`,
      /at least probes\.goldpinger\.replicas \(9\)/,
    ],
    [
      'a value that disagrees',
      `${v}cilium:\n  tunnelPort: 8473\n  values:\n    tunnelPort: 8474\n`,
      /s\.yaml:3:15: cilium\.tunnelPort: 8473 disagrees with cilium\.values\.tunnelPort = 8474 \(s\.yaml:5:17\)/,
    ],
    ['loopback', `${v}calico: {cidr: 127.0.0.0/8}\n`, /is not loopback, link-local, multicast/],
    ['leading zeros', `${v}calico: {cidr: 010.0.0.0/8}\n`, /IPv4 CIDR with its network address/],
    [
      'a part that is larger than the pool',
      `${v}cilium: {podCIDR: 10.0.0.0/26}\n`,
      /s\.yaml:2:19: cilium\.podCIDR: 10\.0\.0\.0\/26 is smaller than one node's part of it: cilium\.maskSize is 24/,
    ],
    [
      'networks of the cluster that overlap',
      `${v}cluster: {serviceSubnet: 172.18.0.0/16}\n`,
      /cluster\.nodeSubnet: 172\.18\.0\.0\/16 overlaps cluster\.serviceSubnet/,
    ],
    [
      'a network too small for its nodes',
      `${v}cluster: {nodeSubnet: 172.18.0.0/29, workers: 5}\n`,
      /room for 5 nodes, .* has 6/,
    ],
    ['services that do not fit', `${v}cluster: {serviceSubnet: 10.96.0.0/28}\n`, /prefix from \/12 to \/27 is wanted/],
    [
      'a pod subnet that kubeadm refuses',
      `${v}calico: {cidr: 10.0.0.0/25}\n`,
      /calico\.cidr: a prefix from \/8 to \/24/,
    ],
    [
      'more pods than nodes can run',
      `${v}probes: {goldpinger: {replicas: 600, replicasAfterFirstNode: 600}}\n`,
      /at most 550/,
    ],
    ['a settle time below its samples', `${v}gate: {settleTimeout: 4s}\n`, /more than 4s is wanted, not 4s: 3 samples/],
    ['an interval of half seconds', `${v}probes: {interval: 1.5s}\n`, /a duration of whole seconds is wanted/],
    ['a time limit of nothing', `${v}timeouts: {agent: 0s}\n`, /a duration from 1s to 168h is wanted, not "0s"/],
    ['a time limit of years', `${v}timeouts: {agent: 99999h}\n`, /a duration from 1s to 168h is wanted/],
    ['a cluster whose nodes have no names', `${v}cluster: {name: ${'a'.repeat(50)}}\n`, /at most 49 characters/],
    ['a cluster name that is no DNS name', `${v}cluster: {name: a..b}\n`, /parts begin and end with a letter/],
    ['an empty mapping', `${v}cluster:\n`, /cluster: a mapping is wanted, not null/],
    ['a number that is none', `${v}cilium: {values: {a: .nan}}\n`, /s\.yaml:2:22: \.nan is not a number/],
    ['a tag', `${v}cilium: {values: {a: !!binary aGk=}}\n`, /s\.yaml:2:\d+: the tag !!binary is not known here/],
    ['an alias of nothing', `${v}calico: {cidr: *pool}\n`, /s\.yaml:2:16: .*there is no anchor &pool above/],
    ['a raw control character', `${v}description: \u001b[31m\n`, /s\.yaml:2:14: the control character U\+001B/],
    ['an image with a line break', `${v}probes: {image: "a\\nb"}\n`, /an image reference such as .*, not "a\\nb"/],
  ])('%s', (_, content, expected) => {
    expect(problemsOf(content).join('\n')).toMatch(expected);
  });

  test('every problem of a file at once', () => {
    expect(problemsOf('schemaVersion: 1\ncluster: {workers: x, controlPlanes: 4}\nfoo: 1\n')).toHaveLength(3);
  });
});

describe('--set', () => {
  test('puts YAML values over the file, deep and new ones too', () => {
    const scenario = read('schemaVersion: 1\ncluster: {workers: 4}\n', {
      'cluster.workers': '2',
      'cilium.podCIDR': '[10.0.0.0/16, 10.1.0.0/16]',
      'cilium.values.resources.limits.cpu': '2',
      'cilium.version': '1.20',
    });
    expect(scenario.cluster.workers).toBe(2);
    expect(scenario.cilium.podCIDR).toEqual(['10.0.0.0/16', '10.1.0.0/16']);
    expect(scenario.cilium.values).toEqual({ resources: { limits: { cpu: 2 } } });
    expect(scenario.cilium.version).toBe('1.20.0');
  });

  test('is named as the place of what is wrong with it', () => {
    expect(problemsOf('schemaVersion: 1\n', { 'cluster.workers': 'x' })).toEqual([
      expect.stringMatching(/^--set cluster\.workers: cluster\.workers: a whole number/),
    ]);
    expect(problemsOf('schemaVersion: 1\n', { 'foo.bar': '1' })).toEqual([
      expect.stringMatching(/^--set foo\.bar: foo: unknown key/),
    ]);
    expect(problemsOf('schemaVersion: 1\n', { 'cluster.': '1' })).toEqual([expect.stringMatching(/a path of keys/)]);
    expect(problemsOf('schemaVersion: 1\n', { name: '[' })).toEqual([expect.stringMatching(/not valid YAML/)]);
  });
});

describe('versions', () => {
  test('an unquoted version is its text, not a number', () => {
    expect(read('schemaVersion: 1\nkubernetes: {version: 1.30}\n').kubernetes.version).toBe('1.30.13');
  });

  test.each(['kubernetes', 'calico', 'cilium'] as const)('a minor of %s is its newest known release', (component) => {
    for (const version of twinVersions(component)) {
      const minor = version.split('.').slice(0, 2).join('.');
      const resolved = resolveVersion(component, minor);
      expect(resolved).toEqual({
        version: knownVersions(component).find((v) => v.startsWith(`${minor}.`) && !v.includes('-')),
      });
      expect(resolveVersion(component, `v${version}`)).toEqual({ version });
    }
  });

  test('a release without data is something that only the twin lacks', () => {
    const scenario = read('schemaVersion: 1\ncilium: {version: 1.19.1}\n');
    expect(() => assertTwinData(scenario, 's.yaml')).toThrowError(
      expect.objectContaining({
        kind: 'not-modelled',
        message: expect.stringMatching(/1\.19\.1 is a release, but the twin/),
      }),
    );
  });
});

test('--set reaches through an alias and changes only its own place', () => {
  const { calico } = read('schemaVersion: 1\ncalico: {felix: {x: &a {y: 1, w: 2}, z: *a}}\n', {
    'calico.felix.z.y': '3',
  });
  expect(calico.felix).toEqual({ x: { y: 1, w: 2 }, z: { y: 3, w: 2 } });
});

test('merge keys are read', () => {
  const { calico } = read('schemaVersion: 1\ncalico: {felix: {x: &a {y: 1, w: 2}, z: {<<: *a, y: 3}}}\n');
  expect(calico.felix).toEqual({ x: { y: 1, w: 2 }, z: { y: 3, w: 2 } });
});

test.each<[string, string, RegExp | null]>([
  [
    'a list of objects',
    'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n',
    null,
  ],
  ['several documents, some empty', '---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n---\n', null],
  ['nothing', '---\n', /w\.yaml: the file holds no Kubernetes objects/],
  ['another YAML', 'a: 1\n', /w\.yaml:1:1: this document is not a Kubernetes object: apiVersion and kind/],
  ['text', '# x\n---\nhello\n', /w\.yaml:3:1: this document is not a Kubernetes object/],
  [
    'an object without a name',
    'apiVersion: v1\nkind: Pod\nmetadata: {generateName: x}\n',
    /a Pod with metadata\.name is wanted/,
  ],
  [
    'a bad item of a list',
    'apiVersion: v1\nkind: List\nitems: [3]\n',
    /item 1 of this document is not a Kubernetes object/,
  ],
  ['a key twice', 'apiVersion: v1\napiVersion: v1\n', /w\.yaml:2:1: not valid YAML: the key apiVersion stands twice/],
])('a workload file with %s', (_what, manifest, problem) => {
  write('w.yaml', manifest);
  const problems = problemsOf('schemaVersion: 1\nworkloads: [w.yaml]\n').join('\n');
  if (problem === null) expect(problems).toBe('');
  else expect(problems).toMatch(problem);
});

test('nearest finds slips and nothing else', () => {
  expect(nearest('wokers', ['workers', 'name'])).toBe('workers');
  expect(nearest('LAB', ['lab'])).toBe('lab');
  expect(nearest('zzz', ['workers', 'name'])).toBeUndefined();
});

describe('whatever is in the file', () => {
  const noise = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.jsonValue().map((value) => stringify(value)),
    fc
      .dictionary(fc.constantFrom('schemaVersion', 'cluster', 'cilium', 'gate', 'x'), fc.jsonValue())
      .map((value) => stringify(value)),
  );

  test('it is read, or refused with a sentence; nothing else is thrown', () => {
    fc.assert(
      fc.property(noise, (content) => {
        for (const problem of problemsOf(content)) expect(problem).toMatch(/^s\.yaml(:\d+:\d+)?: \S/);
      }),
      { numRuns: 300 },
    );
  });
});
