import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Machinery } from '../../../src/provider/kind/machine-facts.ts';
import {
  judgeLeftover,
  type Marker,
  RunDirectory,
  readMarker,
  startOf,
  stateDirectory,
} from '../../../src/provider/kind/run-directory.ts';
import { createKindProvider, type KindProviderOptions } from '../../../src/provider/kind.ts';
import type { Machine } from '../../../src/provider/machine.ts';
import { WallClock } from '../../../src/time/wall-clock.ts';
import { scenario } from '../../rehearsal/scenario-fixture.ts';
import { type Answer, inTurn, type ScriptedHost, scriptedHost } from './scripted-host.ts';

const INFO = readFileSync(new URL('../../fixtures/docker/info-20.10.json', import.meta.url), 'utf8');
const signal = new AbortController().signal;
/** No process has it: above the kernel's highest (proc(5), pid_max). */
const DEAD = 2 ** 22 + 1;

let state: string;
beforeEach(() => {
  state = path.join(mkdtempSync(path.join(tmpdir(), 'state-')), 'cni-rehearsal');
});
afterEach(() => rmSync(path.dirname(state), { recursive: true, force: true }));

const machinery = (change: Partial<Machinery> = {}): Machinery => ({
  platform: 'linux',
  env: {},
  uid: 1000,
  readText: async (file) => {
    if (file.endsWith('max_user_instances')) return '1280';
    if (file.endsWith('max_user_watches')) return '655360';
    return undefined;
  },
  freeBytes: async () => 50e9,
  portIsFree: async () => true,
  ...change,
});

/** A machine on which all is well. */
const WELL: readonly (readonly [RegExp, Answer])[] = [
  [/^docker info/, INFO],
  [/^docker version/, '1.41\n'],
  [/^docker network ls/, ''],
  [/^docker ps --all --quiet/, ''],
  [/^docker ps --format/, ''],
  [/^docker image inspect/, 'sha256:00'],
  [/^kind version/, 'kind v0.33.0 go1.26.1 linux/amd64'],
  [/^kind delete cluster/, ''],
];

function provider(
  script: readonly (readonly [RegExp, Answer])[] = [],
  options: Partial<KindProviderOptions> = {},
): { machine: Machine; host: ScriptedHost; provider: ReturnType<typeof createKindProvider> } {
  const host = scriptedHost([...script, ...WELL]);
  const made = createKindProvider({ scenario: scenario(), host, state, machinery: machinery(), ...options });
  return { machine: made.machine!, host, provider: made };
}

function marker(change: Partial<Marker> = {}): Marker {
  const directory = path.join(state, 'kind-old');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const made = { cluster: 'kind', pid: DEAD, started: '1', directory, containers: ['a', 'b'], kept: false, ...change };
  writeFileSync(path.join(state, 'kind.json'), JSON.stringify(made));
  return made;
}

describe('what a run keeps on the machine', () => {
  test('is private, and gone when there was never a cluster', async () => {
    const { provider: kind } = provider();
    const directory = path.dirname(kind.kubeconfig);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(path.dirname(directory)).toBe(state);
    expect(kind.leftBehind?.()).toBeNull();
    await kind.close();
    expect(readdirSync(state)).toEqual([]);
  });

  test('is marked from right before the creation until the cluster is deleted', async () => {
    const saved: string[] = [];
    const beforeCreate = async ({ name, kubeconfig }: { name: string; kubeconfig: string }): Promise<void> => {
      expect(readMarker(state, 'kind')).toBeUndefined();
      saved.push(name, kubeconfig);
    };
    const { provider: kind, machine } = provider([], { beforeCreate });
    const extras = await machine.beforeCreate();
    expect(saved).toEqual(['kind', kind.kubeconfig]);
    expect(extras.archives?.hostPath).toBe(path.join(path.dirname(kind.kubeconfig), 'images'));
    expect(readMarker(state, 'kind')).toMatchObject({ pid: process.pid, containers: [], kept: false });
    expect(kind.leftBehind?.()).toBe('kind delete cluster --name kind');
    machine.deleted();
    expect(kind.leftBehind?.()).toBeNull();
    await kind.close();
    expect(readdirSync(state)).toEqual([]);
  });

  test('says whose the containers are, also of those that come last', async () => {
    const { provider: kind, machine } = provider([[/^docker ps --all/, inTurn('', 'b\n', 'b\na\n')]], {
      clock: new (class extends WallClock {
        override async sleep(_: number, going?: AbortSignal): Promise<void> {
          // A turn of the loop, so that others get theirs.
          await new Promise(setImmediate);
          going?.throwIfAborted();
        }
      })(),
    });
    await machine.beforeCreate();
    const created = new AbortController();
    const watched = machine.watchCreation(created.signal);
    await expect.poll(() => readMarker(state, 'kind')?.containers).toEqual(['a', 'b']);
    created.abort();
    await watched;
    expect(readMarker(state, 'kind')?.containers).toEqual(['a', 'b']);
    machine.deleted();
    await kind.close();
  });

  test('stays where the cluster is kept, and is told', async () => {
    const { provider: kind, machine } = provider();
    await machine.beforeCreate();
    const note = machine.kept();
    expect(note).toContain(kind.kubeconfig);
    expect(note).toContain('kind delete cluster --name kind');
    await kind.close();
    expect(readMarker(state, 'kind')).toMatchObject({ kept: true });
    expect(existsSync(path.dirname(kind.kubeconfig))).toBe(true);
  });

  test('stays where the cluster could not be deleted, for the next run', async () => {
    const { provider: kind, machine } = provider();
    await machine.beforeCreate();
    await kind.close();
    expect(readMarker(state, 'kind')).toMatchObject({ kept: false });
  });

  test('is nowhere where others may write', () => {
    mkdirSync(state, { recursive: true });
    rmSync(state, { recursive: true });
    mkdirSync(state, { mode: 0o777 });
    expect(statSync(state).mode & 0o022).toBe(process.umask() & 0o022 ? 0 : 0o022);
    writeFileSync(path.join(path.dirname(state), 'file'), '');
    expect(
      () =>
        new RunDirectory({
          state: path.join(path.dirname(state), 'file', 'x'),
          cluster: 'k',
          self: { pid: 1, started: '' },
        }),
    ).toThrow(/set XDG_STATE_HOME/);
  });

  test.each([
    [{ XDG_STATE_HOME: '/s', HOME: '/h' }, '/s/cni-rehearsal'],
    [{ HOME: '/h' }, '/h/.local/state/cni-rehearsal'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/h' }, '/h/.local/state/cni-rehearsal'],
  ])('with %j is below %s', (env, expected) => {
    expect(stateDirectory(env)).toBe(expected);
  });
});

describe('a cluster of the same name', () => {
  test.each<[string, Partial<Marker> | undefined, boolean, readonly string[], string]>([
    ['without a marker', undefined, false, ['a'], 'foreign'],
    ['of a run that goes on', {}, true, ['a', 'b'], 'alive'],
    ['of a run that died', {}, false, ['a', 'b'], 'ours'],
    ['of a run that died while kind made it', {}, false, ['a'], 'ours'],
    ['with a container that no run wrote down', {}, false, ['a', 'b', 'c'], 'foreign'],
    ['of a run that died before it wrote any down', { containers: [] }, false, ['a'], 'foreign'],
    ['that was kept', { kept: true }, false, ['a', 'b'], 'kept'],
    ['of another’s making after one was kept', { kept: true }, false, ['c'], 'foreign'],
  ])('%s', (_, change, lives, containers, expected) => {
    const one = change && { ...marker(), ...change };
    expect(judgeLeftover(one, containers, lives).kind).toBe(expected);
  });

  test('that a dead run has left is deleted, and told', async () => {
    const { directory } = marker();
    const { machine, host, provider: kind } = provider([[/^docker ps --all/, 'a\nb\n']]);
    const { problems, findings } = await machine.check(signal);
    expect(problems).toEqual([]);
    expect(findings.map(({ id }) => id)).toContain('leftover-deleted');
    expect(host.asked).toContain(`kind delete cluster --name kind --kubeconfig ${directory}/kubeconfig`);
    expect(readMarker(state, 'kind')).toBeUndefined();
    expect(existsSync(directory)).toBe(false);
    await kind.close();
  });

  test.each<[string, Partial<Marker> | undefined, RegExp]>([
    [
      'that we did not make',
      undefined,
      /exists already and is not ours: delete it \(kind delete cluster --name kind\)/,
    ],
    ['that was kept', { kept: true }, /was kept by an earlier run/],
    ['of a rehearsal that goes on', { pid: process.pid, started: '' }, /another rehearsal \(process \d+\)/],
  ])('%s is refused and left alone', async (_, change, message) => {
    if (change) marker(change);
    const { machine, host, provider: kind } = provider([[/^docker ps --all/, 'a\nb\n']]);
    const { problems } = await machine.check(signal);
    expect(problems).toMatchObject([{ verdict: 'refused', reason: 'scenario-invalid' }]);
    expect(problems[0]!.message).toMatch(message);
    expect(host.asked.filter((words) => words.startsWith('kind delete'))).toEqual([]);
    await kind.close();
  });

  test('of which only a marker is left is no obstacle', async () => {
    marker();
    const { machine, provider: kind } = provider();
    expect((await machine.check(signal)).problems).toEqual([]);
    expect(readMarker(state, 'kind')).toBeUndefined();
    await kind.close();
  });

  test('that cannot be deleted ends the run', async () => {
    marker();
    const { machine, provider: kind } = provider([
      [/^docker ps --all/, 'a\n'],
      [/^kind delete/, { exitCode: 1, stderr: 'ERROR: failed to delete cluster "kind": driver failed' }],
    ]);
    await expect(machine.check(signal)).rejects.toThrow(/could not be deleted \(.*driver failed\)/);
    expect(readMarker(state, 'kind')).toBeDefined();
    await kind.close();
  });

  test('a process is known by its start as well: numbers come again', () => {
    const stat = (started: string): string => `42 (a) b (c)) S 1 42 42 0 -1 4194560 ${'0 '.repeat(12)}${started} 0 0`;
    expect(startOf(stat('987654'))).toBe('987654');
    expect(startOf(undefined)).toBe('');
    // The real thing of this very process.
    if (process.platform === 'linux') expect(startOf(readFileSync('/proc/self/stat', 'utf8'))).toMatch(/^\d+$/);
  });

  test('of a dead run whose number another program has now is cleared away', async () => {
    marker({ pid: process.pid, started: '1' });
    const readText: Machinery['readText'] = async (file) =>
      file === `/proc/${process.pid}/stat` ? readFileSync('/proc/self/stat', 'utf8') : machinery().readText(file);
    const { machine, provider: kind } = provider([[/^docker ps --all/, 'a\nb\n']], {
      machinery: machinery({ readText }),
    });
    const { problems, findings } = await machine.check(signal);
    expect(problems).toEqual([]);
    expect(findings.map(({ id }) => id)).toContain('leftover-deleted');
    await kind.close();
  });
});

describe('inotify limits that are too low', () => {
  const low: Machinery['readText'] = async (file) => (file.includes('inotify') ? '128' : undefined);
  const raise = 'sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288';

  test.each<[string, Partial<Machinery>, string | undefined]>([
    ['root raises', { uid: 0 }, raise],
    ['a workflow raises', { env: { GITHUB_ACTIONS: 'true' } }, `sudo -n ${raise}`],
    ['nobody else touches', {}, undefined],
  ])('%s', async (_, change, words) => {
    const {
      machine,
      host,
      provider: kind,
    } = provider([[/sysctl/, '']], {
      machinery: machinery({ readText: low, ...change }),
    });
    const { problems, findings } = await machine.check(signal);
    expect(host.asked.filter((asked) => asked.includes('sysctl'))).toEqual(words === undefined ? [] : [words]);
    expect(problems.map(({ message }) => message)).toEqual(
      words === undefined ? [expect.stringContaining('sudo sysctl fs.inotify')] : [],
    );
    expect(findings.some(({ id, message }) => id === 'inotify-raised' && message.includes('before: 128 and 128'))).toBe(
      words !== undefined,
    );
    await kind.close();
  });

  test.each<[string, Answer]>([
    ['is denied', { exitCode: 1, stderr: 'sudo: a password is required' }],
    ['is not there', () => new Error('sysctl: command not found')],
  ])('stay, and are told, where the way to raise them %s', async (_, answer) => {
    const { machine, provider: kind } = provider([[/sysctl/, answer]], {
      machinery: machinery({ readText: low, uid: 0 }),
    });
    expect((await machine.check(signal)).problems).toMatchObject([{ reason: 'provision-failed' }]);
    await kind.close();
  });
});

describe('the node image', () => {
  const pulled = (host: ScriptedHost): string[] => host.asked.filter((words) => words.startsWith('docker pull'));
  const absent: readonly [RegExp, Answer] = [/^docker image inspect/, { exitCode: 1, stderr: 'No such image' }];

  test.each([
    ['no mirror', [], 'kindest/node'],
    ['a mirror of its registry', ['docker.io=m.example/hub'], 'm.example/hub/kindest/node'],
    // Seen on a real run: the prefix of all registries came twice.
    ['a mirror of all registries', ['127.0.0.1:5000'], '127.0.0.1:5000/docker.io/kindest/node'],
  ])('comes by its digest, with %s', async (_, imageMirrors, name) => {
    const script: (readonly [RegExp, Answer])[] = [absent, [/^docker pull .*node/, 'ok'], [/^docker/, '']];
    const { machine, host, provider: kind } = provider(script, { imageMirrors });
    await machine.pullNodeImage(signal);
    const image = `${name}:v1.34.8@sha256:02722c2dedddcfc00febf5d27fbeb9b7b2c14294c82109ff4a85d89ac9ba3256`;
    expect(pulled(host)[0]).toBe(`docker pull --quiet ${image}`);
    expect((await machine.beforeCreate()).nodeImage).toBe(image);
    machine.deleted();
    await kind.close();
  });

  test.each([
    ['under its own name', /^docker image inspect .* kindest/, 'kindest/node:v1'],
    ["under the mirror's", /^docker image inspect .* m\.example/, 'm.example/docker.io/kindest/node:v1'],
  ])('that is here already %s is taken as it is', async (_, here, name) => {
    const script: (readonly [RegExp, Answer])[] = [[here, 'sha256:1'], absent, [/^docker/, '']];
    const {
      machine,
      host,
      provider: kind,
    } = provider(script, {
      imageMirrors: ['m.example'],
      scenario: scenario({ kubernetes: { version: '1.34.8', image: 'kindest/node:v1' } }),
    });
    await machine.pullNodeImage(signal);
    expect(pulled(host).filter((words) => words.includes('kindest'))).toEqual([]);
    expect((await machine.beforeCreate()).nodeImage).toBe(name);
    machine.deleted();
    await kind.close();
  });

  test('without a digest goes by its own name, which a mirror has given it', async () => {
    const {
      machine,
      host,
      provider: kind,
    } = provider([absent, [/^docker/, '']], {
      imageMirrors: ['m.example'],
      scenario: scenario({ kubernetes: { version: '1.34.8', image: 'kindest/node:v1' } }),
    });
    await machine.pullNodeImage(signal);
    expect(host.asked).toContain('docker tag m.example/docker.io/kindest/node:v1 kindest/node:v1');
    expect((await machine.beforeCreate()).nodeImage).toBe('kindest/node:v1');
    machine.deleted();
    await kind.close();
  });

  test('of several control planes comes with their load balancer', async () => {
    const {
      machine,
      host,
      provider: kind,
    } = provider([absent, [/^docker/, '']], {
      scenario: scenario({ cluster: { controlPlanes: 3 } }),
    });
    await machine.pullNodeImage(signal);
    expect(pulled(host).slice(0, 2).at(-1)).toBe('docker pull --quiet docker.io/envoyproxy/envoy:v1.36.2');
    await kind.close();
  });
});
