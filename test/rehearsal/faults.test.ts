/** Faults in a run: injected once, where they should be, before anything else happens there; healed after their time. */
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/events.ts';
import type { InjectedFault, RunRecord } from '../../src/faults/fault.ts';
import type { PlannedFault, Start } from '../../src/faults/parse.ts';
import { CommandFailed } from '../../src/rehearsal/outcome.ts';
import { storyOf } from '../../src/report/model.ts';
import { bundledScenario, type Rehearsed, rehearse } from '../e2e/rehearse.ts';

const minimal = bundledScenario('minimal');

function planned(
  start: Start,
  inject: InjectedFault['inject'],
  { healAfterMs = null, name = 'test-fault', ...more }: Partial<InjectedFault> & { healAfterMs?: number | null } = {},
): PlannedFault {
  const fault: InjectedFault = {
    name,
    kind: 'injected',
    summary: '',
    mechanism: '',
    ends: '',
    source: '',
    providers: ['twin'],
    arguments: {},
    refusedBy: null,
    starts: () => start.id,
    inject,
    expected: () => ({ outcome: 'passed' }),
    ...more,
  };
  return { fault, args: { node: 'kind-worker' }, spec: name, start, healAfterMs };
}

const STEP: Start = { type: 'step', id: 'autodetection' };
const CHECKPOINT: Start = { type: 'checkpoint', id: 'baseline' };
const run = (faults: PlannedFault[], until = 'prepared', more = {}) =>
  rehearse({ scenario: minimal, until, faults, ...more });
const eventsOf = ({ lines }: Rehearsed): Event[] => lines.map((line) => JSON.parse(line) as Event);
const text = (event: Event): string => {
  if (event.type === 'fault') return `fault ${event.moment}`;
  if (event.type === 'step-started' || event.type === 'step-ended') return `${event.type} ${event.step}`;
  if (event.type === 'checkpoint') return `checkpoint ${event.id}`;
  if (event.type === 'object') return `${event.action} ${event.object}`;
  return event.type;
};
/** What comes right before and after a moment, samples left out. */
function around(events: Event[], moment: string): string[] {
  const told = events.map(text).filter((what) => !['sample', 'pods', 'disruption', 'assertion'].includes(what));
  const at = told.indexOf(`fault ${moment}`);
  return told.slice(at - 1, at + 2);
}

test('at a step it is there before the step does anything, once; after a checkpoint before the next step', async () => {
  const calls: string[] = [];
  const steps = await run([
    planned(CHECKPOINT, async ({ api, cilium, nodes }) => {
      const { status } = await api.raw('/version');
      calls.push(`checkpoint: ${status}, ${cilium}, ${nodes.map(({ name }) => name)}`);
      return null;
    }),
    planned(
      STEP,
      async ({ cilium, onNode }) => {
        calls.push(
          `step: ${cilium?.tunnelPort}, ${(await onNode('kind-worker', ['ls', '-1A', '/etc/cni/net.d'])).trim()}`,
        );
        return null;
      },
      { name: 'other' },
    ),
  ]);
  expect(steps.verdict.verdict).toBe('passed');
  expect(calls).toEqual([
    'checkpoint: 200, null, kind-worker,kind-control-plane',
    'step: 8473, 10-calico.conflist\ncalico-kubeconfig',
  ]);
  const events = eventsOf(steps);
  expect(around(events, 'injected')[0]).toBe('checkpoint baseline');
  const second = events.filter((event) => !(event.type === 'fault' && event.name === 'test-fault'));
  expect(around(second, 'injected')).toEqual([
    'step-started autodetection',
    'fault injected',
    'patched Installation default',
  ]);
});

test('it is healed after its time, and the report tells when', async () => {
  let healed = 0;
  const heal = async (): Promise<void> => void healed++;
  const result = await run([planned(CHECKPOINT, async () => heal, { healAfterMs: 20_000 })]);
  expect(healed).toBe(1);
  const { faults } = storyOf(eventsOf(result)).report;
  expect(faults).toMatchObject([{ name: 'test-fault', expected: 'passed', observed: 'passed' }]);
  expect(Date.parse(faults[0]!.healedAt!) - Date.parse(faults[0]!.injectedAt!)).toBe(20_000);
});

test('a run that ends first leaves no timer, and heals nothing in a cluster that goes', async () => {
  let healed = 0;
  const heal = async (): Promise<void> => void healed++;
  const fault = planned(CHECKPOINT, async () => heal, { healAfterMs: 3_600_000 });
  const result = await run([fault], 'prepared');
  expect(healed).toBe(0);
  expect(storyOf(eventsOf(result)).report.faults).toMatchObject([{ healedAt: null }]);
});

test('in a cluster that is kept faults are taken back at the end, the last one first', async () => {
  const healed: string[] = [];
  const fault = (name: string) => planned(CHECKPOINT, async () => async () => void healed.push(name), { name });
  const result = await run([fault('first'), fault('second')], 'prepared', { keep: 'always' });
  expect(healed).toEqual(['second', 'first']);
  expect(eventsOf(result).filter((event) => event.type === 'finding' && event.id === 'fault-left')).toEqual([]);
  for (const { healedAt } of storyOf(eventsOf(result)).report.faults) expect(healedAt).not.toBeNull();
});

test('one that cannot be taken back is told of, and so is what the cluster is kept with', async () => {
  const fault = planned(CHECKPOINT, async () => async () => {
    throw new Error('docker does not answer');
  });
  const result = await run([fault], 'prepared', { keep: 'always' });
  const findings = eventsOf(result).filter(
    (event) => event.type === 'finding' && event.subjects.includes('test-fault'),
  );
  expect(findings).toMatchObject([{ id: 'fault-not-healed' }, { id: 'fault-left' }]);
});

test('a fault that the run did not come to is told of', async () => {
  const result = await run([planned({ type: 'step', id: 'remove' }, async () => null)], 'baseline');
  expect(eventsOf(result)).toContainEqual(
    expect.objectContaining({ id: 'fault-not-injected', message: 'Fault test-fault: the run ended before remove' }),
  );
  expect(storyOf(eventsOf(result)).report.faults).toMatchObject([{ injectedAt: null, observed: 'passed' }]);
});

describe('what fails is never silent', () => {
  test('an injection that fails ends the run as error with its cause', async () => {
    const inject = async (): Promise<null> => {
      throw new CommandFailed('docker exec kind-worker iptables', 4, 'no such table');
    };
    const { verdict } = await run([planned(STEP, inject)]);
    expect(verdict).toMatchObject({ verdict: 'error', reason: 'fault-not-injected', failedCheckpoint: 'prepared' });
    expect(verdict.message).toBe(
      'the fault test-fault could not be made at autodetection: docker exec kind-worker iptables: exit code 4: no such table',
    );
  });

  test('words that the embedded cluster does not know are not modelled, not a fault that passed', async () => {
    const inject = async ({ onNode }: Parameters<InjectedFault['inject']>[0]): Promise<null> => {
      await onNode('kind-worker', ['tc', 'qdisc', 'show']);
      return null;
    };
    const { verdict } = await run([planned(CHECKPOINT, inject)]);
    expect(verdict).toMatchObject({ verdict: 'not-modelled', message: expect.stringContaining('tc qdisc show') });
  });

  test('a healing that fails is a finding, and the run goes on', async () => {
    const heal = async (): Promise<void> => {
      throw new Error('the rule is gone');
    };
    const result = await run([planned(CHECKPOINT, async () => heal, { healAfterMs: 1_000 })]);
    expect(result.verdict.verdict).toBe('passed');
    expect(eventsOf(result)).toContainEqual(
      expect.objectContaining({
        id: 'fault-not-healed',
        severity: 'error',
        message: expect.stringContaining('the rule is gone'),
      }),
    );
  });
});

test('the expectation sees what the run wrote down, addresses after every checkpoint among it', async () => {
  const seen: RunRecord[] = [];
  const expected: InjectedFault['expected'] = (record) => {
    seen.push({ ...record, snapshots: [...record.snapshots!], events: [...record.events] });
    return { outcome: 'failed:prepared' };
  };
  const result = await run([planned(CHECKPOINT, async () => null, { expected })]);
  const last = seen.at(-1)!;
  expect(last.snapshots!.map(({ after }) => after)).toEqual(['baseline', 'prepared', null]);
  expect(last.checkpoints[0]).toBe('baseline');
  const pods = last.snapshots![0]!.pods;
  expect(
    pods
      .filter(({ labels }) => labels.app === 'nodepinger')
      .map(({ node }) => node)
      .sort(),
  ).toEqual(['kind-control-plane', 'kind-worker']);
  expect(pods.every(({ ip, managed }) => ip.startsWith('192.168.') && !managed)).toBe(true);
  expect(last.events.some(({ type }) => type === 'verdict')).toBe(false);
  expect(storyOf(eventsOf(result)).report.faults).toMatchObject([{ expected: 'failed:prepared', observed: 'passed' }]);
});
