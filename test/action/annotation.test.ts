/** Where the one annotation stands, and that nothing of a log line is a command of ours. */
import { describe, expect, test } from 'vitest';
import { annotationOf, NamedPlaces } from '../../src/action/annotation.ts';
import { harmless } from '../../src/action/job-log.ts';
import { secretsOf } from '../../src/action/secrets.ts';
import type { Report } from '../../src/report/report-types.ts';
import type { Places } from '../../src/scenario/positions.ts';
import { bundledScenario } from '../e2e/rehearse.ts';

const lines: Record<string, number> = { 'cilium.podCIDR': 4, 'migration.drain': 9, 'calico.autodetection': 12 };
const places: Places = (key) =>
  lines[key] === undefined ? undefined : { file: '/repo/ci/lab.yaml', line: lines[key], column: 3 };
const at = (key: string): string => `lab.yaml:${lines[key] ?? 0}:3: ${key}`;

describe('the place that explains an end', () => {
  test('is the first one that the message names', () => {
    const named = new NamedPlaces({ at, places });
    const [pods, drain] = [named.at('cilium.podCIDR'), named.at('migration.drain')];
    expect(named.explaining(`${drain} and ${pods}`, 'rule-refused')?.line).toBe(9);
    expect(named.explaining(`${pods} and ${drain}`, 'rule-refused')?.line).toBe(4);
  });

  test('is a key in the message that stands in the file', () => {
    const named = new NamedPlaces({ at, places });
    expect(named.explaining('the pods stay; see gate.observe and migration.drain', 'step-timed-out')?.line).toBe(9);
  });

  test('else goes with the reason, or there is none', () => {
    const named = new NamedPlaces({ at, places });
    expect(named.explaining('a wrong address', 'wrong-address')?.line).toBe(12);
    expect(named.explaining('no answer', 'pairs-unhealthy')).toBeUndefined();
  });
});

describe('the annotation', () => {
  const group = { from: 'a', to: 'b', failing: 1, of: 2 };
  const report = {
    verdict: 'failed',
    simulated: false,
    message: 'pods lost each other',
    failedCheckpoint: 'switched/n1',
    checkpoints: [{ id: 'switched/n1', groups: Array.from({ length: 9 }, () => group) }],
  } as unknown as Report;

  test('has what failed, the first groups, and a path from the workspace', () => {
    const place = { file: '/repo/ci/lab.yaml', line: 7, column: 1 };
    const annotation = annotationOf(report, place, '/repo');
    expect(annotation).toMatchObject({ title: 'FAILED at switched/n1', file: 'ci/lab.yaml', startLine: 7 });
    expect(annotation.message.split('\n')).toHaveLength(1 + 6 + 1);
  });

  test.each([['/elsewhere/lab.yaml'], ['/repo/../lab.yaml'], ['/repo']])('has no path for %s', (file) => {
    expect(annotationOf(report, { file, line: 7, column: 1 }, '/repo')).not.toHaveProperty('file');
  });

  test('is cut where the runner would cut it', () => {
    const long = { ...report, message: 'x'.repeat(10_000) };
    expect(annotationOf(long, undefined, '/repo').message.length).toBeLessThan(4_096);
  });
});

test.each([
  ['::error::x', ': :error::x'],
  ['   ::add-mask::x\n::debug::y\n', '   : :add-mask::x\n: :debug::y\n'],
  ['a ##[group]b', 'a # #[group]b'],
  ['2001:db8::1 and a::b', '2001:db8::1 and a::b'],
])('%s in a log is no command', (text, written) => {
  expect(harmless(text)).toBe(written);
});

test('what is secret by its key is found in values and manifests, decoded too', () => {
  const base = bundledScenario('minimal');
  const manifest = [
    'apiVersion: v1',
    'kind: Secret',
    `data: { key: ${Buffer.from('correct horse').toString('base64')}, bin: ${Buffer.from([0, 1, 2, 255, 254, 3]).toString('base64')} }`,
    '---',
    'apiVersion: v1',
    'kind: ConfigMap',
    'data: { motto: visible-text }',
  ].join('\n');
  const scenario = {
    ...base,
    cilium: {
      ...base.cilium,
      values: { clustermesh: { password: 'hunter22', existingSecret: 'its-name' }, x: { token: 'on' } },
    },
    workloads: [{ file: 'a.yaml', manifest }],
  };
  expect(secretsOf(scenario).sort()).toEqual(
    ['AAEC//4D', Buffer.from('correct horse').toString('base64'), 'correct horse', 'hunter22'].sort(),
  );
});
