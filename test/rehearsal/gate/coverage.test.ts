import { describe, expect, it } from 'vitest';
import type { Instance } from '../../../src/probe/instances.ts';
import { gapsAt } from '../../../src/rehearsal/gate/coverage.ts';
import type { NodeView } from '../../../src/rehearsal/gate/view.ts';
import { instance } from '../../probe/instance.ts';

const NODES = ['kind-control-plane', 'kind-worker', 'kind-worker2'];

interface Case {
  readonly nodepingers?: readonly string[];
  readonly goldpingers?: readonly string[];
  readonly replicas?: number;
  readonly cordoned?: string;
  readonly change?: Partial<Instance>;
}

function gaps(checkpoint: string, { nodepingers = NODES, goldpingers = NODES, cordoned, ...rest }: Case): string[] {
  const nodes: NodeView[] = NODES.map((name) => ({ name, schedulable: name !== cordoned }));
  const make = (probe: 'nodepinger' | 'goldpinger', on: readonly string[]): Instance[] =>
    on.map((node, i) => instance(`${probe}-${i}`, { probe, node, ...(probe === 'goldpinger' ? rest.change : {}) }));
  const judgement = { pairs: [], selfFailing: new Set<string>() };
  return gapsAt(checkpoint, {
    nodes,
    replicas: rest.replicas ?? goldpingers.length,
    probes: [
      { name: 'nodepinger', mesh: 'full', instances: make('nodepinger', nodepingers), judgement },
      { name: 'goldpinger', mesh: 'full', instances: make('goldpinger', goldpingers), judgement },
    ],
  }).map(({ kind, message }) => `${kind}: ${message}`);
}

describe('gapsAt', () => {
  it.each<[string, string, Case, string[]]>([
    ['everything covered', 'baseline', {}, []],
    [
      'a node without nodepinger, always',
      'drained/kind-worker',
      { nodepingers: ['kind-control-plane', 'kind-worker'] },
      ['coverage: no nodepinger pods on kind-worker2, there must be one'],
    ],
    [
      'two of them on one node',
      'final',
      { nodepingers: [...NODES, 'kind-worker'] },
      ['coverage: 2 nodepinger pods on kind-worker, there must be one'],
    ],
    [
      'a node without goldpinger after its migration',
      'migrated/kind-worker',
      { goldpingers: ['kind-control-plane', 'kind-worker2', 'kind-worker2'] },
      ['coverage: no goldpinger pod on kind-worker'],
    ],
    ['but not before the spread', 'switched/kind-worker', { goldpingers: ['kind-worker2', 'kind-worker2'] }, []],
    [
      'nor on a cordoned node',
      'migrated/kind-worker',
      { goldpingers: ['kind-control-plane', 'kind-worker2', 'kind-worker2'], cordoned: 'kind-worker' },
      [],
    ],
    ['fewer replicas than nodes are a sample', 'final', { goldpingers: ['kind-worker', 'kind-worker2'] }, []],
    [
      'missing replicas',
      'drained/kind-worker',
      { goldpingers: ['kind-worker2'], replicas: 2 },
      ['coverage: 1 of 2 goldpinger pods exist'],
    ],
    [
      'pending pods where nothing is cordoned',
      'switched/kind-worker',
      { goldpingers: [''], change: { ready: false, unready: '0/3 nodes are available: 3 Insufficient cpu.' } },
      ['unschedulable: goldpinger-0 is not placed: 0/3 nodes are available: 3 Insufficient cpu.'],
    ],
    [
      'pending pods while a node is cordoned are not red',
      'drained/kind-worker',
      { goldpingers: [''], cordoned: 'kind-worker', change: { ready: false, unready: 'unschedulable' } },
      [],
    ],
    [
      'pods that are not Ready',
      'switched/kind-worker',
      { goldpingers: ['kind-worker'], change: { ready: false, unready: 'ContainerCreating' } },
      ['not-ready: goldpinger-0 on kind-worker is not Ready: ContainerCreating'],
    ],
  ])('%s', (_, checkpoint, change, expected) => {
    expect(gaps(checkpoint, change)).toEqual(expected);
  });
});
