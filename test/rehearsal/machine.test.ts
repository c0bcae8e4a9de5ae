/** A run with a machine around its cluster: the embedded cluster behind a machine that is scripted. */
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/events.ts';
import { createEventStream } from '../../src/events/stream.ts';
import { type Machine, MachineFailure, type MachineProblem } from '../../src/provider/machine.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { createTwinProvider, type TwinProvider } from '../../src/provider/twin.ts';
import { runRehearsal, type VerdictEvent } from '../../src/rehearsal/run.ts';
import { StoryFold } from '../../src/report/model.ts';
import { bundledScenario } from '../e2e/rehearse.ts';

interface Outcome {
  readonly verdict: VerdictEvent;
  readonly events: readonly Event[];
  /** What the machine was asked for, in order. */
  readonly asked: readonly string[];
  readonly notes: readonly string[];
  readonly seconds: Readonly<Record<string, number>>;
  readonly total: number;
  readonly versions: Readonly<Record<string, string | null>>;
}

type Script = (world: TwinProvider) => Partial<Machine>;

/** Virtual seconds that the machine's own work takes. */
const TAKES = { node: 20_000, images: 15_000 };

async function withMachine(
  script: Script = () => ({}),
  keep: 'never' | 'always' = 'never',
  host?: (twin: TwinProvider) => Provider['host'],
  nodeImage: string | null = null,
): Promise<Outcome> {
  const minimal = bundledScenario('minimal');
  const scenario = { ...minimal, kubernetes: { ...minimal.kubernetes, image: nodeImage } };
  const twin = createTwinProvider({ scenario, seed: 1 });
  const asked: string[] = [];
  let made = false;
  const machine: Machine = {
    setUpTools: async () => [],
    check: async () => ({ problems: [], findings: [] }),
    pullNodeImage: () => twin.clock.sleep(TAKES.node),
    beforeCreate: async () => {
      made = true;
      return {};
    },
    watchCreation: async () => undefined,
    loadImages: async () => {
      await twin.clock.sleep(TAKES.images);
      return [];
    },
    deleted: () => {
      made = false;
    },
    kept: () => 'kept',
    ...script(twin),
  };
  const listening = new Proxy(machine, {
    get: (target, name: keyof Machine) => {
      const method = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        asked.push(name === 'loadImages' ? `${name} ${String(args[0])}` : name);
        return method(...args);
      };
    },
  });
  const provider: Provider = {
    ...twin,
    name: 'kind',
    ...(host && { host: host(twin) }),
    machine: listening,
    leftBehind: () => (made ? 'kind delete cluster --name kind' : null),
  };
  const events: Event[] = [];
  const notes: string[] = [];
  const fold = new StoryFold();
  const stream = createEventStream({
    now: () => twin.clock.now(),
    sinks: [
      (event) => {
        events.push(event);
        fold.take(event);
      },
    ],
  });
  const verdict = await twin.run(() =>
    runRehearsal({
      scenario,
      seed: 1,
      provider,
      emit: stream.emit,
      signal: new AbortController().signal,
      until: 'baseline',
      keep,
      tool: { name: 'cni-rehearsal', version: '0.0.0' },
      warn: (note) => notes.push(note),
    }),
  );
  await twin.close();
  expect(twin.twin.clock.underWay()).toEqual({ operations: 0, watches: 0, waits: 0 });
  const { report } = fold.story();
  return {
    verdict,
    events,
    asked,
    notes,
    seconds: { ...report.seconds },
    total: report.durationSeconds,
    versions: report.versions,
  };
}

const stepsOf = (events: readonly Event[]): string[] =>
  events.flatMap((event) => (event.type === 'step-started' ? [event.step] : []));

describe('a run on a machine', () => {
  test('asks it in order, and charges its work to the pulls', async () => {
    const { verdict, events, asked, seconds, total } = await withMachine();
    expect(verdict).toMatchObject({ verdict: 'passed', reason: 'stopped-as-asked' });
    expect(asked).toEqual([
      'setUpTools',
      'check',
      'pullNodeImage',
      'beforeCreate',
      'watchCreation',
      'loadImages calico',
      'loadImages rest',
      'deleted',
    ]);
    expect(stepsOf(events).slice(0, 6)).toEqual([
      'check',
      'node-image',
      'provision',
      'calico-images',
      'calico',
      'images',
    ]);
    // What is loaded while Calico comes up costs nothing.
    expect(seconds.pull).toBeCloseTo((TAKES.node + TAKES.images) / 1_000, 0);
    const sum = Object.values(seconds).reduce((all, one) => all + one, 0);
    expect(sum).toBeCloseTo(total, 1);
  });

  test('ends the creation of a cluster before it looks for its containers a last time', async () => {
    const moments: string[] = [];
    await withMachine((twin) => ({
      watchCreation: async (signal) => {
        moments.push('begun');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        moments.push(twin.twin.cluster.name === undefined ? 'before' : 'after');
      },
    }));
    expect(moments).toEqual(['begun', 'after']);
  });

  test("reports the nodes' Kubernetes, whatever the scenario calls it", async () => {
    const { versions } = await withMachine(undefined, 'never', undefined, 'kindest/node:v1.33.12');
    expect(bundledScenario('minimal').kubernetes.version).not.toBe('1.33.12');
    expect(versions.kubernetes).toBe('1.33.12');
  });

  test('keeps the cluster as it is told, and says so', async () => {
    const { asked, notes } = await withMachine(undefined, 'always');
    expect(asked.at(-1)).toBe('kept');
    expect(notes).toEqual(['kept']);
  });

  test('tells what the machine has found', async () => {
    const finding = { id: 'cgroup-v1', severity: 'warning', message: 'old', subjects: [] } as const;
    const missing = { id: 'image-missing', severity: 'warning', message: 'gone', subjects: ['x'] } as const;
    const { events } = await withMachine(() => ({
      check: async () => ({ problems: [], findings: [finding] }),
      loadImages: async (group) => (group === 'rest' ? [missing] : []),
    }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'finding', ...finding }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'finding', ...missing }));
  });
});

describe('a machine that cannot', () => {
  const refused: MachineProblem = { verdict: 'refused', reason: 'scenario-invalid', message: 'The networks meet' };
  const broken: MachineProblem = { verdict: 'error', reason: 'disk-full', message: 'The disk is full' };
  const missing: MachineProblem = { verdict: 'refused', reason: 'image-missing', message: 'No image x:1' };

  test('ends the run in its check with all that is in the way; its own trouble weighs more', async () => {
    const { verdict, asked } = await withMachine(() => ({
      check: async () => ({ problems: [refused, broken], findings: [] }),
    }));
    expect(verdict).toMatchObject({ verdict: 'error', reason: 'disk-full' });
    expect(verdict.message).toBe('The networks meet. Also: The disk is full');
    expect(asked).toEqual(['setUpTools', 'check']);
  });

  test('has nothing to delete when the node image does not come', async () => {
    const deleted: string[] = [];
    const { verdict, asked } = await withMachine(
      () => ({ pullNodeImage: async () => Promise.reject(new MachineFailure(missing)) }),
      'never',
      (twin) => ({
        run: (command, args, options) => {
          if (args[0] === 'delete') deleted.push(command);
          return twin.host.run(command, args, options);
        },
      }),
    );
    expect(verdict).toMatchObject({ verdict: 'refused', reason: 'image-missing', message: 'No image x:1' });
    expect(asked).toEqual(['setUpTools', 'check', 'pullNodeImage']);
    expect(deleted).toEqual([]);
  });

  test.each(['calico', 'rest'])('ends the run before the baseline when images of %s do not come', async (group) => {
    const { verdict, events, asked } = await withMachine(() => ({
      loadImages: async (asked_) => {
        if (asked_ === group) throw new MachineFailure(missing);
        return [];
      },
    }));
    expect(verdict).toMatchObject({ verdict: 'refused', reason: 'image-missing' });
    expect(stepsOf(events).at(-1)).toBe(group === 'calico' ? 'calico-images' : 'images');
    expect(asked.at(-1)).toBe('deleted');
  });

  test('stops loading when Calico does not come up', async () => {
    let stopped = false;
    const { verdict, events } = await withMachine((twin) => ({
      loadImages: async (group, _, signal) => {
        if (group === 'calico') {
          // Without its containers no calico-node ever gets ready.
          for (const machine of twin.twin.cluster.machines.values()) machine.stop();
          return [];
        }
        try {
          await twin.clock.sleep(3_600_000, signal);
        } catch {
          stopped = true;
        }
        return [];
      },
    }));
    expect(verdict.verdict).toBe('error');
    expect(stepsOf(events).at(-1)).toBe('calico');
    expect(stopped).toBe(true);
  });

  test('does not delete a cluster that somebody else has made meanwhile', async () => {
    const commands: string[] = [];
    const { verdict, asked } = await withMachine(undefined, 'never', (twin) => ({
      run: async (command, args, options) => {
        commands.push(`${command} ${args[0]}`);
        if (args[0] !== 'create') return twin.host.run(command, args, options);
        const stderr = 'ERROR: failed to create cluster: node(s) already exist for a cluster with the name "kind"\n';
        return { exitCode: 1, stdout: '', stderr };
      },
    }));
    // As when it was there from the beginning: whose it is, only its owner knows.
    expect(verdict).toMatchObject({ verdict: 'refused', reason: 'scenario-invalid' });
    expect(asked.at(-1)).toBe('deleted');
    expect(commands).not.toContain('kind delete');
  });
});
