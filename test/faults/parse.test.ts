/** What `--fault` accepts, and what it answers to everything else. */
import { describe, expect, test } from 'vitest';
import type { Expectation, Fault, InjectedFault } from '../../src/faults/fault.ts';
import { changedByFaults, FaultError, parseFaults, plannedFaults } from '../../src/faults/parse.ts';
import { withValues } from '../../src/faults/with-values.ts';
import { bundledScenario } from '../e2e/rehearse.ts';

const NODES = [
  { name: 'kind-worker', role: 'worker' },
  { name: 'kind-worker2', role: 'worker' },
  { name: 'kind-control-plane', role: 'control-plane' },
] as const;
const PLAN = {
  steps: ['cilium-install', 'drain/kind-worker', 'uncordon/kind-worker', 'uncordon/kind-worker2'],
  checkpoints: ['secondary-installed', 'migrated/kind-worker', 'migrated/kind-worker2'],
};

const common = {
  summary: '',
  mechanism: '',
  ends: '',
  source: '',
  refusedBy: null,
  expected: (): Expectation => ({ outcome: 'passed' }),
} as const;
const cut: InjectedFault = {
  ...common,
  name: 'pair-cut',
  kind: 'injected',
  providers: ['twin', 'kind'],
  arguments: {
    from: { help: 'sender', required: true },
    to: { help: 'receiver', required: true },
    mode: { help: 'how', values: ['packets', 'new-connections'], fallback: () => 'packets' },
    for: { help: 'how long' },
  },
  starts: () => 'migrated/*',
  inject: async () => null,
};
const crash: InjectedFault = {
  ...common,
  name: 'crash',
  kind: 'injected',
  providers: ['twin'],
  arguments: { node: { help: 'where' } },
  starts: ({ node }) => `drain/${node}`,
  inject: async () => null,
};
const setting = (name: string, tunnelPort: number): Fault => ({
  ...common,
  name,
  kind: 'configuration',
  providers: ['twin', 'kind'],
  arguments: {},
  change: (scenario) => ({ ...scenario, cilium: { ...scenario.cilium, tunnelPort } }),
});
const value: Fault = {
  ...setting('value', 1),
  change: (scenario) => withValues(scenario, { cni: { customConf: false } }),
} as Fault;
const unfit: Fault = { ...setting('unfit', 1), unfit: () => 'there is nothing to break' } as Fault;
const CATALOGUE = [cut, crash, setting('port-a', 4789), setting('port-b', 8472), value, unfit];

const parse = (specs: string[], provider: 'twin' | 'kind' = 'twin') => parseFaults(specs, CATALOGUE, NODES, provider);
const planned = (specs: string[]) => plannedFaults(parse(specs), NODES, PLAN);

describe('defaults and places', () => {
  test.each([
    ['pair-cut:from=kind-worker,to=kind-worker2', { mode: 'packets' }, 'checkpoint', 'migrated/kind-worker', null],
    [
      'pair-cut:to=kind-worker,from=kind-worker2,mode=new-connections,for=1m30s',
      { mode: 'new-connections', for: '1m30s' },
      'checkpoint',
      'migrated/kind-worker',
      90_000,
    ],
    ['crash', { node: 'kind-worker' }, 'step', 'drain/kind-worker', null],
    ['crash:at=uncordon/*', { node: 'kind-worker', at: 'uncordon/*' }, 'step', 'uncordon/kind-worker', null],
    ['crash:at=uncordon/kind-worker2', {}, 'step', 'uncordon/kind-worker2', null],
    [
      'crash:node=kind-worker2,at=secondary-installed',
      { node: 'kind-worker2' },
      'checkpoint',
      'secondary-installed',
      null,
    ],
  ])('%s', (spec, args, type, id, healAfterMs) => {
    const [fault] = planned([spec]);
    expect(fault).toMatchObject({ args, start: { type, id }, healAfterMs });
  });

  test('a configuration fault starts nowhere', () => {
    expect(planned(['port-a'])).toMatchObject([{ start: null, healAfterMs: null }]);
  });
});

describe('bad input gets one clear sentence', () => {
  test.each([
    ['pair-cud:from=a', /there is no such fault; did you mean pair-cut\? \(rehearse list faults\)/],
    ['', /there is no such fault/],
    ['crash:', /an argument reads KEY=VALUE/],
    ['crash:=a', /an argument reads KEY=VALUE/],
    ['crash:nod=kind-worker', /crash has no argument nod; did you mean node\?; it takes node, at/],
    ['port-a:node=kind-worker', /port-a has no argument node; it takes none/],
    ['crash:node', /node needs a value: node=VALUE/],
    ['crash:node=', /node needs a value/],
    [
      'crash:node=kind-workr2',
      /no node kind-workr2; did you mean kind-worker2\? \(nodes: kind-worker, kind-worker2, kind-control-plane\)/,
    ],
    ['crash:node=kind-worker,node=kind-worker2', /node is given twice/],
    ['crash:for=20s', /crash has no argument for/],
    ['pair-cut', /pair-cut needs from \(sender\)/],
    ['pair-cut:from=kind-worker', /pair-cut needs to \(receiver\)/],
    ['pair-cut:from=kind-worker,to=kind-worker', /from and to are the same node/],
    [
      'pair-cut:from=kind-worker,to=kind-worker2,mode=packet',
      /mode is one of packets, new-connections; did you mean packets\?/,
    ],
    ['pair-cut:from=kind-worker,to=kind-worker2,for=20', /for is a duration such as 20s/],
    ['pair-cut:from=kind-worker,to=kind-worker2,for=0s', /for is a duration such as 20s/],
    [
      'crash:at=uncordon/kind-workr',
      /no step and no checkpoint uncordon\/kind-workr; did you mean uncordon\/kind-worker\? \(rehearse plan/,
    ],
    ['crash:at=restarted/*', /no step and no checkpoint restarted\/\*/],
    ['crash:node=kind-control-plane', /no step and no checkpoint drain\/kind-control-plane/],
  ])('%s', (spec, message) => {
    expect(() => planned([spec])).toThrow(FaultError);
    expect(() => planned([spec])).toThrow(message);
  });

  test('a fault that the provider lacks', () => {
    expect(() => parse(['crash'], 'kind')).toThrow(/cannot be made with --provider kind, only with twin/);
  });

  test('the same fault twice, however it is written', () => {
    expect(() => parse(['crash', 'crash:node=kind-worker'])).toThrow(/the same fault is asked for twice/);
    expect(parse(['crash', 'crash:node=kind-worker2'])).toHaveLength(2);
  });
});

describe('changes of the scenario', () => {
  const lab = bundledScenario('lab');
  const changed = (specs: string[]) => changedByFaults(lab, parse(specs), NODES);

  test('several faults of different keys are all in it', () => {
    expect(changed(['port-a', 'value']).cilium).toMatchObject({
      tunnelPort: 4789,
      values: { cni: { customConf: false } },
    });
  });

  test('two faults of one key exclude each other', () => {
    expect(() => changed(['port-a', 'port-b'])).toThrow(
      '--fault port-b: it changes cilium.tunnelPort, and so does port-a',
    );
  });

  test('a fault that the scenario has no place for says why', () => {
    expect(() => changed(['unfit'])).toThrow('--fault unfit: there is nothing to break');
  });
});
