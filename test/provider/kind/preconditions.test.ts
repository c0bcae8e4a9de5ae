import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { wantedImages } from '../../../src/provider/kind/image-plan.ts';
import {
  type DockerFacts,
  dockerFacts,
  lookAtMachine,
  lookAtPorts,
  type MachineFacts,
  type Machinery,
  networksIn,
  routesIn,
} from '../../../src/provider/kind/machine-facts.ts';
import { inotifyRemedy, judgeMachine, judgePorts } from '../../../src/provider/kind/preconditions.ts';
import { diskNeed, inotifyNeed, memoryNeed } from '../../../src/provider/kind/sizes.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { scenario } from '../../rehearsal/scenario-fixture.ts';
import { scriptedHost } from './scripted-host.ts';

const SAMPLES = new URL('../../fixtures/docker/', import.meta.url);
const sample = (name: string): string => readFileSync(new URL(name, SAMPLES), 'utf8');
const GB = 1e9;

const DOCKER: DockerFacts = {
  serverVersion: '28.0.4',
  architecture: 'x86_64',
  operatingSystem: 'Ubuntu 24.04.3 LTS',
  cgroupVersion: '2',
  rootDirectory: '/var/lib/docker',
  memory: 16 * GB,
  containerdImages: false,
  rootless: false,
};

/** A standard runner of GitHub for public repositories. */
const RUNNER: MachineFacts = {
  platform: 'linux',
  docker: DOCKER,
  dockerApi: '1.48',
  endpoint: 'unix:///var/run/docker.sock',
  networks: [{ name: 'bridge', subnets: ['172.17.0.0/16'] }],
  diskFree: 30 * GB,
  memoryAvailable: 14 * GB,
  inotify: { instances: 1_280, watches: 655_360 },
  routes: [
    { cidr: '10.1.0.0/20', device: 'eth0' },
    { cidr: '172.17.0.0/16', device: 'docker0' },
  ],
  portsTaken: [],
  kindProvider: '',
  kindNetwork: 'kind',
};

const judge = (change: Partial<MachineFacts> = {}, of: Scenario = scenario()) =>
  judgeMachine({ ...RUNNER, ...change }, of, wantedImages(of));
const withDocker = (change: Partial<DockerFacts>): Partial<MachineFacts> => ({ docker: { ...DOCKER, ...change } });

test('a standard runner carries the lab with all its images', () => {
  expect(judge()).toEqual({ problems: [], findings: [], roomForAll: true, cgroupV1: false, platform: undefined });
});

test.each(['', 'npipe:////./pipe/docker_engine', 'tcp://localhost:2375', 'tcp://127.0.0.1:2375', 'tcp://[::1]:2375'])(
  'a Docker behind %j is on this machine',
  (endpoint) => {
    expect(judge({ endpoint }).problems).toEqual([]);
  },
);

test.each<[string, Partial<MachineFacts>, string, RegExp]>([
  [
    'a daemon that is down',
    { docker: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' },
    'error tool-failed',
    /does not answer .*systemctl start docker/,
  ],
  [
    'a daemon that lets us not in',
    { docker: 'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock' },
    'error tool-failed',
    /group docker/,
  ],
  ['another engine', { kindProvider: 'podman' }, 'error tool-failed', /KIND_EXPERIMENTAL_PROVIDER is podman.*unset it/],
  ...['tcp://docker:2375', 'ssh://me@build.example', 'tcp://10.1.0.9:2376'].map(
    (endpoint): [string, Partial<MachineFacts>, string, RegExp] => [
      `a Docker on another machine (${endpoint})`,
      { endpoint },
      'error tool-failed',
      /another machine \(.*127\.0\.0\.1/,
    ],
  ),
  ['a rootless Docker', withDocker({ rootless: true }), 'error tool-failed', /rootless/],
  ['a disk that is too small', { diskFree: 8 * GB }, 'error disk-full', /8\.0 GB are free.*5 nodes.*make room/],
  ['too little memory', withDocker({ memory: 3 * GB }), 'error provision-failed', /3\.0 GB of memory.*fewer nodes/],
  [
    'inotify instances as they are by default',
    { inotify: { instances: 128, watches: 655_360 } },
    'error provision-failed',
    /128 instances.*sudo sysctl fs\.inotify\.max_user_instances=512 fs\.inotify\.max_user_watches=655360/,
  ],
  [
    'few inotify watches',
    { inotify: { instances: 1_280, watches: 8_192 } },
    'error provision-failed',
    /max_user_instances=1280 fs\.inotify\.max_user_watches=524288/,
  ],
  [
    'pods in the network of the nodes',
    { networks: [{ name: 'kind', subnets: ['fc00:f853:ccd:e793::/64', '192.168.0.0/20'] }] },
    'refused scenario-invalid',
    /cluster\.podSubnet \(192\.168\.0\.0\/16\) overlaps 192\.168\.0\.0\/20, the Docker network kind.*docker network rm kind/,
  ],
  [
    'Services in the network of the nodes, which has another name',
    { kindNetwork: 'mine', networks: [{ name: 'mine', subnets: ['10.96.4.0/24'] }] },
    'refused scenario-invalid',
    /cluster\.serviceSubnet .*Docker network mine/,
  ],
  [
    "Cilium's pool in the network of the nodes",
    { networks: [{ name: 'kind', subnets: ['10.244.0.0/16'] }] },
    'refused scenario-invalid',
    /cilium\.podCIDR/,
  ],
])('%s is in the way', (_, change, ending, message) => {
  const { problems } = judge(change);
  expect(problems.map(({ verdict, reason }) => `${verdict} ${reason}`)).toEqual([ending]);
  expect(problems[0]!.message).toMatch(message);
});

test.each<[string, Partial<MachineFacts>, string, RegExp]>([
  ['little disk', { diskFree: 13 * GB }, 'warning disk-space', /13\.0 GB are free/],
  ['little memory now', { memoryAvailable: 2 * GB }, 'warning memory', /2\.0 GB of memory are available now/],
  [
    'a network of Docker that is not the nodes’',
    { networks: [{ name: 'compose', subnets: ['192.168.16.0/20'] }] },
    'warning network-overlap',
    /Docker network compose/,
  ],
  [
    'a network of the machine',
    { routes: [{ cidr: '192.168.1.0/24', device: 'wlan0' }] },
    'warning network-overlap',
    /192\.168\.1\.0\/24, which this machine reaches through wlan0.*name server/,
  ],
  ['images in containerd', withDocker({ containerdImages: true }), 'info containerd-image-store', /3795/],
  ['cgroup v1', withDocker({ cgroupVersion: '1' }), 'warning cgroup-v1', /has cgroup v1\. /],
  [
    'another system',
    { platform: 'darwin', diskFree: null, memoryAvailable: null, inotify: null, routes: null },
    'info machine-not-checked',
    /on darwin .* not checked/,
  ],
])('%s is told, and the run goes on', (_, change, told, message) => {
  const { problems, findings } = judge(change);
  expect(problems).toEqual([]);
  expect(findings.map(({ severity, id }) => `${severity} ${id}`)).toEqual([told]);
  expect(findings[0]!.message).toMatch(message);
});

test('a route of a Docker network is told once', () => {
  const { findings } = judge({
    networks: [{ name: 'compose', subnets: ['192.168.16.0/20'] }],
    routes: [{ cidr: '192.168.16.0/20', device: 'br-1' }],
  });
  expect(findings).toHaveLength(1);
});

test.each([
  ['1.34.8', false],
  ['1.35.0', true],
  ['1.36.1', true],
])('on cgroup v1 the kubelet of %s must be told: %s', (version, told) => {
  const of = scenario({ kubernetes: { version } });
  const { cgroupV1, findings } = judge(withDocker({ cgroupVersion: '1' }), of);
  expect(cgroupV1).toBe(told);
  expect(findings[0]!.message.includes('refuses unless told otherwise')).toBe(told);
});

test.each([
  ['1.47', true, undefined],
  ['1.48', true, 'linux/amd64'],
  ['1.50', false, undefined],
  ['', true, undefined],
])('docker save with API %s, images in containerd %s: %s', (dockerApi, containerdImages, platform) => {
  expect(judge({ dockerApi, ...withDocker({ containerdImages }) }).platform).toBe(platform);
});

test('all that is in the way is told at once', () => {
  const { problems } = judge({ diskFree: 1, inotify: { instances: 1, watches: 1 } });
  expect(problems).toHaveLength(2);
});

describe('what a cluster takes', () => {
  const ha = scenario({ cluster: { controlPlanes: 3, workers: 2 } });
  const of = (one: Scenario) => diskNeed(wantedImages(one), one.cluster.controlPlanes + one.cluster.workers);

  test.each([
    ['lab', scenario()],
    ['ha', ha],
  ])('%s fits a disk of 14 GB and a memory of 16 GB', (_, one) => {
    expect(of(one).least).toBeLessThan(14.1 * GB);
    expect(memoryNeed(one.cluster)).toBeLessThan(8 * GB);
    expect(judge({ diskFree: 14 * GB }, one)).toMatchObject({ problems: [], roomForAll: false });
  });

  test('more nodes take more of everything', () => {
    for (let workers = 1; workers < 9; workers++) {
      const [less, more] = [scenario({ cluster: { workers } }), scenario({ cluster: { workers: workers + 1 } })];
      expect(of(more).least).toBeGreaterThan(of(less).least);
      expect(of(less).all).toBeGreaterThan(of(less).least - GB);
      expect(memoryNeed(more.cluster)).toBeGreaterThan(memoryNeed(less.cluster));
      expect(inotifyNeed(workers + 1).instances).toBeGreaterThan(inotifyNeed(workers).instances);
    }
    expect(inotifyNeed(3).instances).toBeLessThanOrEqual(128);
    expect(inotifyNeed(100)).toEqual({ instances: 512, watches: 524_288 });
  });

  test('the remedy lowers nothing', () => {
    expect(inotifyRemedy({ instances: 9_999, watches: 8_192 })).toBe(
      'sudo sysctl fs.inotify.max_user_instances=9999 fs.inotify.max_user_watches=524288',
    );
  });
});

describe('what docker and the kernel say', () => {
  const machinery = (change: Partial<Machinery> = {}): Machinery => ({
    platform: 'linux',
    env: {},
    uid: 1000,
    readText: async (file) =>
      ({
        '/proc/meminfo': 'MemTotal:       16384000 kB\nMemAvailable:    8192000 kB\n',
        '/proc/sys/fs/inotify/max_user_instances': '128\n',
        '/proc/sys/fs/inotify/max_user_watches': '192536\n',
        '/proc/net/route': sample('proc-net-route.txt'),
      })[file],
    freeBytes: async (directory) => (directory === '/var/lib/docker' ? 20 * GB : undefined),
    portIsFree: async () => true,
    ...change,
  });
  const host = () =>
    scriptedHost([
      [/^docker info/, sample('info-20.10.json')],
      [/^docker version/, '1.41\n'],
      [/^docker context inspect/, 'unix:///run/user/1000/docker.sock\n'],
      [/^docker network ls/, 'a\nb\nc\n'],
      [/^docker network inspect a b c$/, sample('network-inspect-20.10.json')],
    ]);
  const signal = new AbortController().signal;

  test('is read as it was recorded', async () => {
    expect(await lookAtMachine({ host: host(), machinery: machinery(), signal })).toEqual({
      platform: 'linux',
      docker: {
        serverVersion: '20.10.24+dfsg1',
        architecture: 'x86_64',
        operatingSystem: 'Debian GNU/Linux 12 (bookworm)',
        cgroupVersion: '1',
        rootDirectory: '/var/lib/docker',
        memory: 25_276_510_208,
        containerdImages: false,
        rootless: false,
      },
      dockerApi: '1.41',
      endpoint: 'unix:///run/user/1000/docker.sock',
      networks: [
        { name: 'bridge', subnets: ['172.17.0.0/16'] },
        { name: 'host', subnets: [] },
        { name: 'none', subnets: [] },
      ],
      diskFree: 20 * GB,
      memoryAvailable: 8_388_608_000,
      inotify: { instances: 128, watches: 192_536 },
      routes: [
        { cidr: '172.17.0.0/16', device: 'docker0' },
        { cidr: '192.0.2.0/24', device: 'eth0' },
      ],
      portsTaken: [],
      kindProvider: '',
      kindNetwork: 'kind',
    });
  });

  test('is less where there is less to read', async () => {
    const bare = machinery({ platform: 'darwin', readText: async () => undefined });
    const facts = await lookAtMachine({ host: host(), machinery: bare, signal });
    expect(facts).toMatchObject({ diskFree: null, memoryAvailable: null, inotify: null, routes: null });
  });

  test('is nothing where the daemon is away', async () => {
    const why = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?';
    const down = scriptedHost([[/^docker info/, { exitCode: 1, stdout: '{"ID":""}', stderr: `${why}\n` }]]);
    const facts = await lookAtMachine({ host: down, machinery: machinery(), signal });
    expect(facts.docker).toBe(why);
    expect(down.asked).toHaveLength(1);
  });

  test.each<[string, string, Partial<DockerFacts> | string]>([
    [
      'images in containerd',
      '{"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}',
      { containerdImages: true },
    ],
    ['no rights', '{"SecurityOptions":["name=seccomp,profile=builtin","name=rootless"]}', { rootless: true }],
    ['errors in an answer that succeeded', '{"ServerErrors":["permission denied"]}', 'permission denied'],
    ['what is no answer', 'podman 5', 'docker info answered what is no JSON: podman 5'],
  ])('tells of %s', (_, text, expected) => {
    const facts = dockerFacts(text);
    if (typeof expected === 'string') expect(facts).toBe(expected);
    else expect(facts).toMatchObject(expected);
  });

  test('networks without addresses have none', () => {
    expect(networksIn('[{"Name":"x","IPAM":{"Config":null}},{"Name":"y"}]')).toEqual([
      { name: 'x', subnets: [] },
      { name: 'y', subnets: [] },
    ]);
  });

  test('routes that are down, or everything’s, are none', () => {
    const table = 'Iface\nx\t0000A8C0\t0\t0000\t0\t0\t0\t0000FFFF\ny\t00000000\t0\t0003\t0\t0\t0\t00000000\n';
    expect(routesIn(table)).toEqual([]);
    expect(routesIn(undefined)).toBeNull();
  });

  test('a port is held by a container or by a program', async () => {
    const containers = scriptedHost([[/^docker ps/, 'web\t0.0.0.0:32042->80/tcp, :::32042->80/tcp\nother\t\n']]);
    const busy = machinery({ portIsFree: async (port) => port !== 32043 });
    const taken = await lookAtPorts({ host: containers, machinery: busy, signal }, [32042, 32043, 32044]);
    const problems = judgePorts(taken);
    expect(problems.map(({ verdict, reason }) => `${verdict} ${reason}`)).toEqual(
      Array.from({ length: 2 }, () => 'error provision-failed'),
    );
    expect(problems[0]!.message).toMatch(/port 32042 .*held by the container web/);
    expect(problems[1]!.message).toMatch(/port 32043 .*held by another program/);
  });

  test('are found in the ranges as which Docker shows neighbours', async () => {
    // As docker ps 20.10 shows a control plane of ours.
    const shown = 'kind-control-plane\t0.0.0.0:32042-32043->32042-32043/tcp, 127.0.0.1:44767->6443/tcp\n';
    const host = scriptedHost([[/^docker ps/, shown]]);
    const free = machinery({ portIsFree: async () => true });
    const taken = await lookAtPorts({ host, machinery: free, signal }, [32041, 32042, 32043, 44767, 6443]);
    expect(taken).toEqual([32042, 32043, 44767].map((port) => ({ port, by: 'the container kind-control-plane' })));
  });
});
