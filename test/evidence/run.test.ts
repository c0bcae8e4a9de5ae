/** Evidence of whole runs on the twin, with a report directory on disk. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withFaults } from '../../src/cli/scenario-argument.ts';
import type { Event } from '../../src/events/events.ts';
import type { Host } from '../../src/host/host.ts';
import { createTwinProvider } from '../../src/provider/twin.ts';
import { Cancelled } from '../../src/rehearsal/outcome.ts';
import type { Story } from '../../src/report/story.ts';
import { prepareDirectory } from '../../src/session/record.ts';
import { recordedRun } from '../../src/session/recorded-run.ts';
import { startRehearse } from '../cli/processes.ts';
import { bundledScenario } from '../e2e/rehearse.ts';

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'rehearse-evidence-run-'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Recorded {
  readonly directory: string;
  readonly story: Story;
  readonly events: readonly Event[];
  readonly bytes: string;
  /** Every file of the report directory by name. */
  readonly files: ReadonlyMap<string, string>;
}

interface Change {
  readonly fault?: string;
  readonly until?: string;
  /** Milliseconds after the start of a step. */
  readonly cancel?: { readonly step: string; readonly afterMs: number };
  readonly host?: (host: Host) => Host;
}

async function record(name: string, { fault, until, cancel, host }: Change): Promise<Recorded> {
  const specs = fault === undefined ? [] : [fault];
  const given = { seed: 1, provider: 'twin', command: 'run' } as const;
  const { scenario, faults } = withFaults(bundledScenario('minimal'), specs, given);
  const twin = createTwinProvider({ scenario, seed: 1 });
  const provider = host ? { ...twin, host: host(twin.host) } : twin;
  const directory = join(base, name);
  prepareDirectory(directory);
  const controller = new AbortController();
  const { story } = await recordedRun({
    ...{ scenario, seed: 1, provider, directory, until: until ?? null, keep: 'never', at: (path: string) => path },
    faults,
    signal: controller.signal,
    sinks: [
      (event) => {
        if (event.type !== 'step-started' || event.step !== cancel?.step) return;
        twin.twin.clock.after(cancel.afterMs, () => twin.interrupt(() => controller.abort(new Cancelled('SIGTERM'))));
      },
    ],
    note: (message) => expect.fail(message),
  });
  const bytes = readFileSync(join(directory, 'events.ndjson'), 'utf8');
  const events = bytes
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  return { directory, story, events, bytes, files: filesIn(directory) };
}

function filesIn(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const plain = names.filter((name) => statSync(join(directory, name)).isFile());
  return new Map(plain.map((name) => [relative('.', name), readFileSync(join(directory, name), 'utf8')]));
}

const FAULT = 'tunnel-port-blocked:node=kind-worker';

describe('a run that fails', () => {
  let run: Recorded;
  beforeAll(async () => {
    run = await record('failed', { fault: FAULT });
  });

  test('has what the broken cluster shows, before it is cleaned up', () => {
    expect(run.story.report).toMatchObject({ verdict: 'failed', failedCheckpoint: 'switched/kind-worker' });
    // The rule that does it, on the node that it is on.
    expect(run.files.get('evidence/nodes/kind-worker/iptables.txt')).toContain('-p udp -m udp --dport 8473 -j DROP');
    expect(run.files.get('evidence/nodes/kind-control-plane/iptables.txt')).not.toContain('--dport 8473 -j DROP');
    expect(run.files.get('evidence/nodes/kind-worker/cni.txt')).toContain('== 05-cilium.conflist');
    expect(run.files.get(`evidence/readings/${reading(run)}`)).toContain('context deadline exceeded');
    for (const name of ['objects/pods.json', 'objects/ciliumnodes.cilium.io.json', 'events.txt', 'index.json']) {
      expect([...run.files.keys()]).toContain(`evidence/${name}`);
    }
  });

  const reading = ({ files }: Recorded): string =>
    [...files]
      .find(([name, text]) => name.startsWith('evidence/readings/nodepinger') && text.includes('exceeded'))![0]
      .slice(18);

  test('says what the twin does not model, and takes no Secret', () => {
    expect(run.files.get('evidence/README.md')).toContain('the twin does not model it');
    expect([...run.files.keys()].filter((name) => /secret/i.test(name))).toEqual([]);
  });

  test('accounts for the time, as a step of its own before the verdict', () => {
    const { seconds, durationSeconds } = run.story.report;
    expect(seconds.evidence).toBeGreaterThan(0);
    const sum = Object.values(seconds).reduce((total, one) => total + one, 0);
    expect(Math.abs(sum - durationSeconds)).toBeLessThan(0.001);
    const types = run.events.slice(-6).map((event) => event.type);
    expect(types.slice(-3)).toEqual(['step-ended', 'fault', 'verdict']);
    const steps = run.events.filter((event) => event.type === 'step-started' && event.step === 'evidence');
    expect(steps).toMatchObject([{ account: 'evidence', node: null, phase: 'migrate' }]);
  });

  test('leads to it from the summary', () => {
    expect(run.files.get('summary.md')).toContain('## Evidence');
    expect(run.files.get('summary.md')).toContain('`evidence/README.md` lists it');
  });

  test('tells small things in its events, and no path of this machine', () => {
    const told = run.events.filter((event) => event.type === 'evidence');
    expect(told.map(({ file }) => file)).toContain('README.md');
    expect(Math.max(...told.map(({ content }) => content.length))).toBeLessThan(20_000);
    for (const [name, text] of run.files) if (name !== '.rehearsal-report') expect(text).not.toContain(base);
  });

  test('is the same bytes once more', async () => {
    const again = await record('again', { fault: FAULT });
    expect(again.bytes).toBe(run.bytes);
    expect([...again.files]).toEqual([...run.files]);
  });

  test('keeps it when the reports are made again in their place, and loses it to the next run', async () => {
    const before = filesIn(run.directory);
    for (let times = 0; times < 2; times++) {
      const { code } = await startRehearse(base, 'report', 'failed/events.ndjson').ended;
      expect(code).toBe(0);
    }
    const sorted = (files: ReadonlyMap<string, string>): [string, string][] =>
      [...files].filter(([name]) => name !== '.rehearsal-report');
    expect(sorted(filesIn(run.directory))).toEqual(sorted(before));
    prepareDirectory(run.directory);
    expect([...filesIn(run.directory).keys()]).toEqual(['.rehearsal-report']);
  });
});

test('a run that passes, or that a rule refuses, has none', async () => {
  const { story, files } = await record('passed', { until: 'prepared' });
  expect(story.report.verdict).toBe('passed');
  expect([...files.keys()].filter((name) => name.startsWith('evidence/'))).toEqual([]);
  expect(files.get('summary.md')).not.toContain('## Evidence');
  expect(story.report.seconds.evidence).toBe(0);
});

test('a run that is cancelled takes what is had in seconds', async () => {
  const run = await record('cancelled', { cancel: { step: 'cilium-install', afterMs: 2_000 } });
  expect(run.story.report.verdict).toBe('cancelled');
  const evidence = [...run.files.keys()].filter((name) => name.startsWith('evidence/'));
  expect(evidence).toEqual(
    ['README.md', 'events.txt', 'index.json', 'objects/nodes.json', 'objects/pods.json', 'pods.txt'].map(
      (name) => `evidence/${name}`,
    ),
  );
  expect(run.story.report.seconds.evidence).toBeLessThanOrEqual(3);
});

test('a cluster that kind could not make: its words are the log that is shown', async () => {
  const said = [
    'Creating cluster "kind" ...',
    'ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec" failed with error: exit status 1',
    'Command Output: [kubelet-check] Initial timeout of 40s passed.',
    "couldn't initialize a Kubernetes cluster",
  ].join('\n');
  const run = await record('not-made', {
    host: (host) => ({
      run: (command, args, options) =>
        args[0] === 'create' && command === 'kind'
          ? Promise.resolve({ exitCode: 1, stdout: '', stderr: said })
          : host.run(command, args, options),
    }),
  });
  expect(run.story.report).toMatchObject({ verdict: 'error', reason: 'provision-failed' });
  expect(run.story.report.message).toMatch(/^provision: the control plane did not come up: .*kubelet\.log/);
  expect(run.files.get('evidence/cause.log')).toBe(`# kind create cluster (stderr)\n${said}\n`);
  expect(run.files.get('summary.md')).toContain("couldn't initialize a Kubernetes cluster");
  expect(run.files.get('evidence/README.md')).toContain('| kind export logs |');
});
