import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WantedImage } from '../../../src/provider/kind/image-plan.ts';
import { ImageStore, snapshotterIn } from '../../../src/provider/kind/image-store.ts';
import { MachineFailure } from '../../../src/provider/machine.ts';
import { WallClock } from '../../../src/time/wall-clock.ts';
import { type Answer, inTurn, type ScriptedHost, scriptedHost } from './scripted-host.ts';

let archives: string;
beforeEach(() => {
  archives = mkdtempSync(path.join(tmpdir(), 'archives-'));
});
afterEach(() => rmSync(archives, { recursive: true, force: true }));

/** The wall clock, but its pauses are over at once; they are written down. */
class Hurried extends WallClock {
  readonly slept: number[] = [];
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
  }
}

const ABSENT = { exitCode: 1, stderr: 'Error: No such image: x' };
const agent: WantedImage = {
  ...{ image: 'quay.io/cilium/cilium:v1', on: 'every-node', group: 'rest', what: 'Cilium 1', users: false },
};
const node: WantedImage = {
  ...{ image: 'quay.io/calico/node:v3', on: 'every-node', group: 'calico', what: 'Calico 3', users: false },
};
const typha: WantedImage = { ...node, image: 'quay.io/calico/typha:v3', on: 'somewhere' };

/** What docker and the nodes answer unless the script of a test says otherwise. */
const USUAL: readonly (readonly [RegExp, Answer])[] = [
  [/^docker image inspect/, ABSENT],
  [/^docker pull/, 'sha256:00\n'],
  [/^docker tag/, ''],
  [
    /^docker save/,
    (words) => {
      writeFileSync(/--output (\S+)/.exec(words)![1]!, 'an archive');
      return '';
    },
  ],
  [/^docker image rm/, ''],
  [/containerd config dump$/, "[plugins.'io.containerd.cri.v1.images']\n  snapshotter = 'overlayfs'\n"],
  [/ctr --namespace=k8s\.io images import/, 'unpacking… done'],
];

function store(
  images: readonly WantedImage[],
  script: readonly (readonly [RegExp, Answer])[] = [],
  more: { mirrors?: readonly string[]; allowMissing?: boolean } = {},
): { store: ImageStore; host: ScriptedHost; clock: Hurried } {
  const host = scriptedHost([...script, ...USUAL]);
  const clock = new Hurried();
  const options = { host, clock, images, archives, mirrors: [], allowMissing: false, ...more };
  return { store: new ImageStore(options), host, clock };
}

const never = new AbortController().signal;
const short = (words: string): string => words.replaceAll(archives, 'DIR');
const NODES = ['kind-control-plane', 'kind-worker'];

describe('the way of an image', () => {
  test('is pulled once, imported by every node, and gone from the machine', async () => {
    const { store: images, host } = store([agent]);
    await images.start({ roomForAll: false }, never);
    expect(await images.load('rest', NODES, never)).toEqual([]);
    const asked = host.asked.map(short);
    expect(asked.slice(0, 4)).toEqual([
      'docker image inspect --format {{.Id}} quay.io/cilium/cilium:v1',
      'docker pull --quiet quay.io/cilium/cilium:v1',
      'docker save --output DIR/rest.tar quay.io/cilium/cilium:v1',
      'docker image rm quay.io/cilium/cilium:v1',
    ]);
    for (const name of NODES) {
      expect(asked).toContain(
        `docker exec ${name} ctr --namespace=k8s.io images import --local --discard-unpacked-layers --snapshotter=overlayfs /cni-rehearsal/rest.tar`,
      );
    }
    expect(existsSync(path.join(archives, 'rest.tar'))).toBe(false);
  });

  test('that was here before stays here, and is not pulled', async () => {
    const { store: images, host } = store([agent, typha], [[/^docker image inspect/, 'sha256:00']]);
    await images.start({ roomForAll: false }, never);
    await images.load('calico', NODES, never);
    await images.load('rest', NODES, never);
    expect(host.asked.filter((words) => /docker (pull|image rm)/.test(words))).toEqual([]);
    // A kubelet may not be able to pull what was built here.
    expect(host.asked.filter((words) => words.includes('images import'))).toHaveLength(4);
  });

  test("of a Deployment is the kubelet's, unless there is room", async () => {
    for (const roomForAll of [false, true]) {
      const { store: images, host } = store([node, typha]);
      await images.start({ roomForAll }, never);
      await images.load('calico', NODES, never);
      const pulled = host.asked.filter((words) => words.startsWith('docker pull'));
      expect(pulled).toHaveLength(roomForAll ? 2 : 1);
    }
  });

  test('through a mirror arrives under its own name', async () => {
    const { store: images, host } = store([agent], [], { mirrors: ['quay.io=m.example/q'] });
    await images.start({ roomForAll: false }, never);
    await images.load('rest', ['kind-worker'], never);
    expect(host.asked.filter((words) => /pull|tag|save|image rm/.test(words)).map(short)).toEqual([
      'docker pull --quiet m.example/q/cilium/cilium:v1',
      'docker tag m.example/q/cilium/cilium:v1 quay.io/cilium/cilium:v1',
      'docker save --output DIR/rest.tar quay.io/cilium/cilium:v1',
      'docker image rm quay.io/cilium/cilium:v1 m.example/q/cilium/cilium:v1',
    ]);
  });

  test('ends with the run where that ends before it was loaded, and with nothing left on the machine', async () => {
    const { store: images, host } = store([agent], [], { mirrors: ['m.example'] });
    expect(await images.pullFirst('kindest/node:v1', 'the node image', never)).toBe('kindest/node:v1');
    await images.start({ roomForAll: false }, never);
    await images.close();
    await images.close();
    const removed = host.asked.filter((words) => words.startsWith('docker image rm'));
    // The node image stays: the next run needs it, and it was here before anything else was done.
    expect(removed).toEqual(['docker image rm quay.io/cilium/cilium:v1 m.example/quay.io/cilium/cilium:v1']);
  });

  test('that cannot be removed is no reason to fail', async () => {
    const { store: images } = store([agent], [[/^docker image rm/, () => new Error('docker is gone')]]);
    await images.start({ roomForAll: false }, never);
    await images.close();
  });

  test("goes for one platform where Docker's images are in containerd", async () => {
    const { store: images, host } = store([agent]);
    await images.start({ roomForAll: false, platform: 'linux/arm64' }, never);
    await images.load('rest', ['kind-worker'], never);
    expect(host.asked.map(short)).toContain(
      'docker save --platform linux/arm64 --output DIR/rest.tar quay.io/cilium/cilium:v1',
    );
  });

  test('goes without what an old ctr does not know', async () => {
    const old = { exitCode: 1, stderr: 'Incorrect Usage: flag provided but not defined: -discard-unpacked-layers' };
    const { store: images, host } = store([node, typha], [[/--discard-unpacked-layers/, old]]);
    await images.start({ roomForAll: true }, never);
    await images.load('calico', ['kind-worker'], never);
    const imports = host.asked.filter((words) => words.includes('images import'));
    expect(imports.map((words) => words.includes('--discard'))).toEqual([true, false, false]);
  });

  test('is copied where the nodes do not see the directory', async () => {
    const unseen = { exitCode: 1, stderr: 'ctr: open /cni-rehearsal/rest.tar: no such file or directory' };
    const { store: images, host } = store(
      [agent],
      [
        [/\/cni-rehearsal\/rest\.tar$/, unseen],
        [/^docker cp/, ''],
        [/rm -f \/var\/cni-rehearsal-rest\.tar$/, ''],
      ],
    );
    await images.start({ roomForAll: false }, never);
    await images.load('rest', ['kind-worker'], never);
    expect(host.asked.slice(-3).map(short)).toEqual([
      'docker cp DIR/rest.tar kind-worker:/var/cni-rehearsal-rest.tar',
      'docker exec kind-worker ctr --namespace=k8s.io images import --local --discard-unpacked-layers --snapshotter=overlayfs /var/cni-rehearsal-rest.tar',
      'docker exec kind-worker rm -f /var/cni-rehearsal-rest.tar',
    ]);
  });
});

describe('an image that does not come', () => {
  const failure = async (work: Promise<unknown>): Promise<MachineFailure> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(MachineFailure);
    return error as MachineFailure;
  };
  const limit = { exitCode: 1, stderr: 'toomanyrequests: You have reached your pull rate limit' };
  const missing = { exitCode: 1, stderr: 'manifest for quay.io/cilium/cilium:v1 not found: manifest unknown' };

  test('is tried again with longer and longer pauses', async () => {
    const { store: images, host, clock } = store([agent], [[/^docker pull/, inTurn(limit, limit, 'sha256:00')]]);
    await images.start({ roomForAll: false }, never);
    await images.load('rest', NODES, never);
    expect(host.asked.filter((words) => words.startsWith('docker pull'))).toHaveLength(3);
    expect(clock.slept).toEqual([2_000, 5_000]);
  });

  test('is an error when it never comes', async () => {
    const { store: images, host } = store([agent], [[/^docker pull/, limit]]);
    await images.start({ roomForAll: false }, never);
    const { problem } = await failure(images.load('rest', NODES, never));
    expect(problem).toMatchObject({ verdict: 'error', reason: 'download-failed' });
    expect(problem.message).toMatch(/quay\.io\/cilium\/cilium:v1 \(Cilium 1\).*docker login/);
    expect(host.asked.filter((words) => words.startsWith('docker pull'))).toHaveLength(5);
  });

  test('is refused at once when no registry has it', async () => {
    const { store: images, host } = store([agent], [[/^docker pull/, missing]]);
    await images.start({ roomForAll: false }, never);
    const { problem } = await failure(images.load('rest', NODES, never));
    expect(problem).toMatchObject({ verdict: 'refused', reason: 'image-missing' });
    expect(host.asked.filter((words) => words.startsWith('docker pull'))).toHaveLength(1);
  });

  test('is only told where the rule is allowed', async () => {
    const { store: images, host } = store([agent], [[/^docker pull/, missing]], { allowMissing: true });
    await images.start({ roomForAll: false }, never);
    expect(await images.load('rest', NODES, never)).toMatchObject([{ id: 'image-missing', severity: 'warning' }]);
    expect(host.asked.filter((words) => words.startsWith('docker save'))).toEqual([]);
  });

  test.each([
    ['the node image', limit, 'error', 'download-failed'],
    ['the node image', missing, 'refused', 'image-missing'],
  ])('%s ends the run before there is a cluster', async (_, answer, verdict, reason) => {
    const { store: images } = store([], [[/^docker pull/, answer]]);
    const { problem } = await failure(images.pullFirst('kindest/node:v1', 'kubernetes.version 1', never));
    expect(problem).toMatchObject({ verdict, reason });
  });

  test('fills the disk of a node', async () => {
    const full = { exitCode: 1, stderr: 'ctr: failed to copy: write /var/lib/x: no space left on device' };
    const { store: images } = store([agent], [[/images import/, full]]);
    await images.start({ roomForAll: false }, never);
    const { problem } = await failure(images.load('rest', NODES, never));
    expect(problem).toMatchObject({ verdict: 'error', reason: 'disk-full' });
    expect(problem.message).toContain('kind-');
    expect(existsSync(path.join(archives, 'rest.tar'))).toBe(false);
  });

  test('leaves nothing going on when the run is aborted', async () => {
    const controller = new AbortController();
    const pull: Answer = (_, { signal }) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve(signal.reason as Error)));
    const { store: images } = store([node, agent], [[/^docker pull/, pull]]);
    await images.start({ roomForAll: false }, controller.signal);
    const loaded = images.load('calico', NODES, controller.signal);
    controller.abort(new Error('cancelled'));
    await expect(loaded).rejects.toThrow('cancelled');
    await images.close();
  });
});

test.each([
  ['version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\n  snapshotter = "native"\n', 'native'],
  [
    "version = 3\n[plugins]\n  [plugins.'io.containerd.cri.v1.images']\n    snapshotter = 'fuse-overlayfs'\n    [plugins.'io.containerd.cri.v1.images'.registry]\n",
    'fuse-overlayfs',
  ],
  ["[plugins.'io.containerd.transfer.v1.local']\n  snapshotter = 'native'\n", 'overlayfs'],
  ['', 'overlayfs'],
])('containerd says which snapshotter it has', (config, expected) => {
  expect(snapshotterIn(config)).toBe(expected);
});
