/** Inputs: what is wrong is told by name, value and what is allowed; what is empty is absent. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { INPUTS } from '../../src/action/input-table.ts';
import { InputError, type Request, readRequest } from '../../src/action/inputs.ts';
import { ScenarioError } from '../../src/scenario/problem.ts';

const workspace = mkdtempSync(path.join(tmpdir(), 'inputs-'));
afterAll(() => rmSync(workspace, { recursive: true, force: true }));
writeFileSync(path.join(workspace, 'values.yaml'), 'MTU: 1400\ncni: { exclusive: 7 }\n');
writeFileSync(path.join(workspace, 'text.txt'), 'no mapping\n');

function read(inputs: Record<string, string>, env: Record<string, string> = {}): Request {
  const named = Object.entries({ provider: 'twin', ...inputs }).map(([name, value]) => [
    `INPUT_${name.toUpperCase()}`,
    value,
  ]);
  return readRequest({ GITHUB_WORKSPACE: workspace, ...Object.fromEntries(named), ...env });
}

describe('a wrong one', () => {
  test.each<[input: string, value: string, message: string | RegExp]>([
    ['provider', 'kindd', 'input provider "kindd": one of twin, kind, existing is wanted; did you mean kind?'],
    ['provider', 'existing', /^input provider existing is refused for now/],
    ['scenario', 'labb', /^input scenario: there is no scenario labb; did you mean lab\?/],
    ['seed', '-1', 'input seed "-1": a whole number from 0 to 4294967295 is wanted'],
    ['seed', '1.5', 'input seed "1.5": a whole number from 0 to 4294967295 is wanted'],
    ['keep', 'allways', 'input keep "allways": one of never, failed, always is wanted; did you mean always?'],
    ['until', 'migrated', /^input until "migrated": this scenario has no such checkpoint/],
    ['until', 'migrated/*', /^input until "migrated\/\*": this scenario has no such checkpoint/],
    ['expect', 'fail', /^input expect "fail": one of passed, failed, .*; did you mean failed\?/],
    ['expect', 'failed:switched', /^input expect "switched": this scenario has no such checkpoint/],
    ['expect', 'failed:', 'input expect: a checkpoint is wanted after the colon (rehearse plan shows them)'],
    ['expect', 'passed:final', 'input expect "passed:final": only failed and error have a checkpoint'],
    ['allow', 'tunnel-port-clsh', /^input allow "tunnel-port-clsh": there is no such rule; did you mean/],
    ['set', 'cluster.workers', /^input set "cluster.workers": PATH=VALUE is wanted/],
    ['set', '=3', /^input set "=3": PATH=VALUE is wanted/],
    ['fault', 'tunnel-port-clahs', /^input fault tunnel-port-clahs: .*did you mean tunnel-port-clash\?/],
    ['fault', 'agent-crash-loop', /^input fault agent-crash-loop: .*needs node/],
    ['verbose', 'yes', 'input verbose "yes": true or false is wanted'],
    ['quiet', '1', 'input quiet "1": true or false is wanted'],
    [
      'kind-version',
      'newest',
      'input kind-version "newest": a version such as 1.2.3, its beginning, or latest is wanted',
    ],
    ['helm-version', '3.x', 'input helm-version "3.x": a version such as 1.2.3, its beginning, or latest is wanted'],
    ['download-base-url', 'mirror.example', /a URL that begins with https:\/\/ or http:\/\/ is wanted$/],
    ['download-base-url', 'file:///etc', /a URL that begins with https:\/\/ or http:\/\/ is wanted$/],
    ['image-mirror', 'https://x/y', /^input image-mirror "https:\/\/x\/y": PREFIX or REGISTRY=PREFIX is wanted/],
  ])('%s: %s', (name, value, message) => {
    const wrong = (): Request => read({ [name]: value });
    expect(wrong).toThrow(InputError);
    expect(wrong).toThrow(message);
  });

  test.each<[input: string, value: string, message: string | RegExp]>([
    ['workers', 'many', /^input workers: cluster.workers: a whole number from 1 to 10000 is wanted, not "many"/],
    ['workers', '0', /^input workers: cluster.workers: a whole number from 1 to 10000 is wanted/],
    ['control-planes', '2', /^input control-planes: cluster.controlPlanes: .*not 2/],
    ['cilium-version', '1.99', /^input cilium-version: cilium.version: there is no known cilium version 1.99/],
    ['calico-version', 'new', /^input calico-version: calico.version: an exact version/],
    [
      'kubernetes-version',
      '1.3',
      /^input kubernetes-version: kubernetes.version: there is no known kubernetes version/,
    ],
    ['values', 'missing.yaml', /^input values: cilium.values: missing.yaml: there is no such file/],
    ['values', 'text.txt', /^input values: cilium.values: text.txt:1:1: a values file is a mapping of keys/],
    [
      'values',
      '- a\n- b',
      /^input values: cilium.values: a mapping of Helm values or the path of a values file is wanted/,
    ],
    ['values', 'a: [', /^input values: the value is not valid YAML/],
    ['workloads', 'missing.yaml', /^input workloads: workloads.0: missing.yaml: there is no such file/],
    ['set', 'gate.obsrve=1s', /^input set gate.obsrve: gate.obsrve: unknown key; did you mean observe\?/],
    ['scenario', 'ci/none.yaml', /^ci\/none.yaml: there is no such file/],
  ])('%s: %s is a problem of the scenario', (name, value, message) => {
    const wrong = (): Request => read({ [name]: value });
    expect(wrong).toThrow(ScenarioError);
    expect(wrong).toThrow(message);
  });

  test('both verbose and quiet', () => {
    expect(() => read({ verbose: 'true', quiet: 'true' })).toThrow('exclude each other');
  });
});

describe('what is meant', () => {
  test('empty ones are absent', () => {
    const empty = Object.fromEntries(Object.keys(INPUTS).map((name) => [name, '  ']));
    expect(read({ ...empty, provider: 'twin' })).toEqual({ ...read({}), chosen: expect.anything() as unknown });
    expect(readRequest({ GITHUB_WORKSPACE: workspace }).chosen.provider).toBe('kind');
  });

  test('the defaults of the table are those of the code', () => {
    const given = Object.fromEntries(Object.entries(INPUTS).map(([name, input]) => [name, input.default]));
    const asked = read({ ...given, provider: 'twin' });
    expect({ ...asked, chosen: asked.chosen.scenario }).toEqual({ ...read({}), chosen: read({}).chosen.scenario });
  });

  test('values as text, as a file, and set over both', () => {
    expect(read({ values: 'MTU: 1300' }).chosen.scenario.cilium.values).toEqual({ MTU: 1300 });
    const { chosen } = read({ values: 'values.yaml', set: 'cilium.version=1.20\nfinish.removeCalico=false' });
    expect(chosen.scenario.cilium).toMatchObject({ values: { MTU: 1400, cni: { exclusive: 7 } }, version: '1.20.0' });
    expect(chosen.scenario.finish.removeCalico).toBe(false);
    expect(chosen.places('cilium.values.cni.exclusive')).toEqual({
      file: path.join(workspace, 'values.yaml'),
      line: 2,
      column: 8,
    });
  });

  test('a version is a text, whatever YAML makes of it', () => {
    expect(read({ 'cilium-version': '1.20' }).chosen.scenario.cilium.version).toBe('1.20.0');
  });

  test('tools, mirrors and debug logging', () => {
    const request = read(
      {
        'kind-version': 'v0.33.0',
        'helm-version': 'latest',
        'cilium-cli-version': 'v0.19',
        'download-base-url': 'https://mirror.example/x/',
        'image-mirror': 'a.b/c\nquay.io=d.e',
      },
      { RUNNER_DEBUG: '1' },
    );
    expect(request).toMatchObject({
      tools: { kind: '0.33.0', helm: 'latest', cilium: '0.19', baseUrl: 'https://mirror.example/x' },
      imageMirrors: ['a.b/c', 'quay.io=d.e'],
      mode: 'verbose',
    });
  });
});
