/** Post deletes the cluster that main has left, and no other: with real processes that speak like docker and kind. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { areOurs, clearCluster, type NodeContainer } from '../../src/action/cluster.ts';
import { realHost } from '../../src/host/real-host.ts';
import type { Clock } from '../../src/time/clock.ts';
import { WallClock } from '../../src/time/wall-clock.ts';

const marker = {
  cluster: 'kind',
  pid: 1,
  started: '',
  directory: '/s/kind-a',
  containers: ['one'],
  expected: 1,
  network: '',
  kept: false,
};
const node = (id: string, role = 'worker', mounts: string[] = []): NodeContainer => ({ id, role, mounts });

test.each<[what: string, ours: boolean, containers: NodeContainer[]]>([
  ['all in the marker', true, [node('one')]],
  ['made before they were noted, but they see our directory', true, [node('two', 'worker', ['/s/kind-a/images'])]],
  ['with a load balancer beside ours', true, [node('one'), node('lb', 'external-load-balancer')]],
  ['a load balancer alone', false, [node('lb', 'external-load-balancer')]],
  ['one of them is unknown', false, [node('one'), node('two')]],
  ["another run's directory", false, [node('two', 'worker', ['/s/kind-ab/images'])]],
  ['nothing known', false, [node('two')]],
])('%s: %s', (_what, ours, containers) => {
  expect(areOurs(containers, marker)).toBe(ours);
});

describe('clearing', () => {
  let base: string;
  const file = (...name: string[]): string => path.join(base, ...name);
  const wall = new WallClock();
  /** Waits of seconds are none here. */
  let now = 0;
  const clock: Clock = Object.assign(Object.create(wall) as Clock, {
    monotonic: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  });
  const state = () => ({ name: 'kind', kubeconfig: file('state', 'kind-a', 'kubeconfig') });

  beforeEach(() => {
    base = mkdtempSync(path.join(tmpdir(), 'clearing-'));
    mkdirSync(file('bin'));
    mkdirSync(file('state', 'kind-a'), { recursive: true });
    writeFileSync(file('containers'), '');
    writeFileSync(file('words'), '');
    mark({});
    // Containers are lines of a file: id, role, directories.
    program(
      'docker',
      'case $1 in ps) cut -f1 containers ;; inspect) cat containers ;; rm) : >containers ;; *) exit 9 ;; esac',
    );
    program('kind', ': >containers');
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  function program(name: string, body: string): void {
    writeFileSync(
      file('bin', name),
      `#!/bin/sh\nPATH=/usr/bin:/bin\ncd '${base}'\necho ${name} "$@" >>words\n${body}\n`,
    );
    chmodSync(file('bin', name), 0o755);
  }
  function mark(change: object): void {
    const own = { ...marker, directory: file('state', 'kind-a'), ...change };
    writeFileSync(file('state', 'kind.json'), JSON.stringify(own));
  }
  const words = (): string[] => readFileSync(file('words'), 'utf8').split('\n').slice(0, -1);
  const cleared = (keep = false) => {
    // Nothing of this machine's own: there may be a real cluster.
    const environment = { PATH: file('bin') };
    return clearCluster(state(), keep, { host: realHost({ clock: wall, environment }), clock });
  };

  test('deletes what is ours, and what the run kept for it', async () => {
    writeFileSync(file('containers'), 'one\tcontrol-plane\n');
    expect(await cleared()).toEqual({ outcome: 'deleted' });
    expect(words()).toContain(`kind delete cluster --name kind --kubeconfig ${state().kubeconfig}`);
    expect([existsSync(file('state', 'kind.json')), existsSync(file('state', 'kind-a'))]).toEqual([false, false]);
    expect(await cleared()).toEqual({ outcome: 'none' });
  });

  test('leaves a cluster of the same name that is not ours', async () => {
    writeFileSync(file('containers'), 'foreign\tcontrol-plane\n');
    expect(await cleared()).toMatchObject({ outcome: 'left', command: 'kind delete cluster --name kind' });
    expect(words().filter((line) => /^(kind|docker rm) /.test(line))).toEqual([]);
  });

  test('leaves the cluster of a later run', async () => {
    mark({ directory: file('state', 'kind-b') });
    writeFileSync(file('containers'), 'one\tcontrol-plane\n');
    expect(await cleared()).toEqual({ outcome: 'none' });
    expect(words()).toEqual([]);
  });

  test('keeps it as asked', async () => {
    writeFileSync(file('containers'), 'one\tcontrol-plane\n');
    expect(await cleared(true)).toEqual({ outcome: 'kept' });
    expect(words()).toEqual([]);
  });

  test('where kind is missing or fails, Docker does it', async () => {
    for (const change of [() => rmSync(file('bin', 'kind')), () => program('kind', 'exit 1')]) {
      change();
      mkdirSync(file('state', 'kind-a'), { recursive: true });
      mark({});
      writeFileSync(file('containers'), 'one\tcontrol-plane\n');
      expect(await cleared()).toEqual({ outcome: 'deleted' });
      expect(words()).toContain('docker rm --force --volumes one');
    }
  });

  test('takes what a creation that goes on still makes', async () => {
    writeFileSync(file('containers'), 'one\tcontrol-plane\n');
    const second = `two\\tworker\\t${file('state', 'kind-a', 'images')}\\n`;
    program('kind', `if [ -e again ]; then : >containers; else : >again; printf '${second}' >containers; fi`);
    expect(await cleared()).toEqual({ outcome: 'deleted' });
    expect(words().filter((line) => line.startsWith('kind delete'))).toHaveLength(2);
  });

  test('takes what Docker was still making when kind was killed: shown late, and no container until it is whole', async () => {
    mark({ containers: [], expected: 2 });
    const late = `two\\tworker\\t${file('state', 'kind-a', 'images')}\\n`;
    program(
      'docker',
      `case $1 in
      ps) echo >>looks; [ $(wc -l <looks) = 2 ] && printf '${late}' >containers; cut -f1 containers ;;
      inspect) [ $(wc -l <looks) -gt 5 ] && exec cat containers; echo 'Error: No such container: two' >&2; exit 1 ;;
      esac`,
    );
    expect(await cleared()).toEqual({ outcome: 'deleted' });
    expect(words().filter((line) => line.startsWith('kind delete'))).toHaveLength(1);
    expect(existsSync(file('state', 'kind.json'))).toBe(false);
  });

  test.each([
    ['that kind made for it goes too', '', true],
    ['to which others have come stays', 'theirs', false],
  ])('the network %s', async (_, others, gone) => {
    mark({ network: 'kind' });
    writeFileSync(file('containers'), 'one\tcontrol-plane\n');
    program(
      'docker',
      `case "$*" in *network=kind*) echo ${others} ;; ps*) cut -f1 containers ;; inspect*) cat containers ;; esac`,
    );
    expect(await cleared()).toEqual({ outcome: 'deleted' });
    expect(words().includes('docker network rm kind')).toBe(gone);
  });

  test('gives up on a container that never becomes whole', async () => {
    writeFileSync(file('containers'), 'one\tcontrol-plane\n');
    program('docker', 'case $1 in ps) cut -f1 containers ;; *) echo "no such object: one" >&2; exit 1 ;; esac');
    expect(await cleared()).toMatchObject({ outcome: 'left', why: 'its containers are still there' });
    expect(existsSync(file('state', 'kind.json'))).toBe(true);
  });

  test('what cannot be deleted is told with its command, and stays marked', async () => {
    writeFileSync(file('containers'), 'one\tcontrol-plane\n');
    program('kind', 'exit 1');
    program('docker', 'case $1 in ps|inspect) cut -f1 containers ;; *) echo "daemon is gone" >&2; exit 1 ;; esac');
    expect(await cleared()).toEqual({
      outcome: 'left',
      why: 'docker rm: daemon is gone',
      command: 'kind delete cluster --name kind',
    });
    expect(existsSync(file('state', 'kind.json'))).toBe(true);
  });

  test('without Docker it says so', async () => {
    rmSync(file('bin', 'docker'));
    expect(await cleared()).toMatchObject({ outcome: 'left', why: 'docker: command not found' });
  });
});
