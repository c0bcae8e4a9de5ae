/** The pieces for themselves: objects, events, pods, the choice of logs. */
import { describe, expect, test } from 'vitest';
import { chooseLogs, MOST_LOGS } from '../../src/evidence/logs.ts';
import { eventsText, listText, podsText } from '../../src/evidence/objects.ts';
import type { KubeObject, Pod } from '../../src/kube/objects.ts';
import { pod } from './rig.ts';

const object = (name: string, more: object = {}): KubeObject => ({ metadata: { name }, ...more }) as KubeObject;

describe('a list of objects', () => {
  test('stays JSON when it is too long, and counts what is left out', () => {
    const many = Array.from({ length: 100 }, (_, at) => object(`o${at}`, { data: 'x'.repeat(100) }));
    const parsed = JSON.parse(listText(many, 2_000)) as { leftOut?: number }[];
    expect(parsed.at(-1)).toEqual({ leftOut: 100 - (parsed.length - 1) });
    expect(parsed.length).toBeGreaterThan(5);
    expect(Buffer.byteLength(listText(many, 2_000))).toBeLessThan(2_100);
  });

  test('has no managedFields and no secret values', () => {
    const one = object('o', { metadata: { name: 'o', managedFields: [{ manager: 'm' }] }, spec: { password: 'pw' } });
    expect(JSON.parse(listText([one]))).toEqual([{ metadata: { name: 'o' }, spec: { password: '(masked)' } }]);
  });
});

test('events are in the order of time, whichever of their times they have', () => {
  const event = (message: string, times: object, more: object = {}): KubeObject =>
    object('e', {
      type: 'Warning',
      reason: 'R',
      message,
      involvedObject: { kind: 'Pod', namespace: 'n', name: 'p' },
      ...times,
      ...more,
    });
  const text = eventsText([
    event('third\nline', { lastTimestamp: null, eventTime: '2026-01-01T00:00:03.5Z' }),
    event('second', { lastTimestamp: '2026-01-01T00:00:02Z' }, { count: 4 }),
    event('first', { firstTimestamp: '2026-01-01T00:00:01Z' }),
  ]);
  expect(text).toBe(
    [
      '2026-01-01T00:00:01Z Warning R Pod n/p: first',
      '2026-01-01T00:00:02Z Warning R Pod n/p: second (4 times)',
      '2026-01-01T00:00:03.5Z Warning R Pod n/p: third line',
      '',
    ].join('\n'),
  );
});

test('the table of pods says where each is and why it is not well', () => {
  const waiting = pod('b');
  waiting.status!.containerStatuses![0]!.state = { waiting: { reason: 'CrashLoopBackOff' } };
  waiting.status!.containerStatuses![0]!.restartCount = 3;
  waiting.status!.containerStatuses![0]!.ready = false;
  expect(podsText([pod('a'), waiting])).toBe(
    [
      'NAMESPACE  NAME  READY  STATUS            RESTARTS  IP        NODE',
      'default    a     1/1    Running           0         10.0.0.1  kind-worker',
      'default    b     0/1    CrashLoopBackOff  3         10.0.0.1  kind-worker',
      '',
    ].join('\n'),
  );
});

describe('the logs that are asked for', () => {
  const cilium = (node: string): Pod =>
    pod(`cilium-${node}`, { node, labels: { 'k8s-app': 'cilium' }, namespace: 'kube-system' });
  const operator = pod('tigera-operator-1', { namespace: 'tigera-operator', node: 'w2' });
  const plane = pod('kube-apiserver-cp', { namespace: 'kube-system', labels: { tier: 'control-plane' }, node: 'cp' });
  const probe = pod('goldpinger-1', { labels: { app: 'goldpinger' }, node: 'w1' });
  const shop = pod('shop-1', { node: 'w2' });
  const names = (list: Pod[], text: string, nodes: string[], blamed: string[]): string[] =>
    chooseLogs(list, ({ metadata }) => text.includes(metadata.name), nodes, new Set(blamed)).map(
      ({ pod: { metadata }, previous }) => `${metadata.name}${previous ? ' before' : ''}`,
    );

  test('come in the order of what they tell', () => {
    const list = [plane, cilium('w2'), cilium('w1'), probe, operator, shop, cilium('w9')];
    expect(names(list, 'shop-1 is not Ready', ['w1', 'w2'], ['w1'])).toEqual([
      ...['shop-1', 'cilium-w1', 'tigera-operator-1', 'goldpinger-1', 'cilium-w2', 'kube-apiserver-cp'],
    ]);
  });

  test('of a container that was started again, the one before is asked first', () => {
    const again = cilium('w1');
    again.status!.containerStatuses![0]!.restartCount = 2;
    expect(names([again], '', ['w1'], [])).toEqual(['cilium-w1 before', 'cilium-w1']);
  });

  test('of init containers that are done only those of blamed pods', () => {
    const init = cilium('w1');
    init.status!.initContainerStatuses = [
      { ...init.status!.containerStatuses![0]!, name: 'mount', state: { terminated: { exitCode: 0 } } },
    ] as never;
    expect(names([init], '', ['w1'], [])).toHaveLength(1);
    expect(names([init], 'cilium-w1', ['w1'], [])).toHaveLength(2);
  });

  test('are not asked of pods without a node, and never too many', () => {
    expect(names([pod('shop-2', { node: '' })], 'shop-2', [], [])).toEqual([]);
    const many = Array.from({ length: 500 }, (_, at) => pod(`shop-${at}`));
    expect(names(many, many.map(({ metadata }) => metadata.name).join(), [], [])).toHaveLength(MOST_LOGS);
  });
});
