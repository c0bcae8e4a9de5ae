import { describe, expect, it } from 'vitest';
import { CommandNotFound, type CommandResult, type Host } from '../../src/host/host.ts';
import { ApiUnreachable, type KubeApi, KubeError, type ProxyAnswer } from '../../src/kube/api.ts';
import type { Pod } from '../../src/kube/objects.ts';
import { instanceOf } from '../../src/probe/instances.ts';
import { InstanceReader } from '../../src/probe/read.ts';
import { ServiceBook } from '../../src/probe/service.ts';
import { instance } from './instance.ts';

const POD = { pod: 'nodepinger-x', node: 'kind-worker', ip: '192.168.1.1' };
const EMPTY = '{}\n';
const kube = (code: number) => new KubeError(code, 'X', `status ${code}`, 'GET');

function reader(proxy: ProxyAnswer | Error, node: Partial<CommandResult> | Error) {
  const ran: string[] = [];
  const api = {
    proxyPod: async (): Promise<ProxyAnswer> => {
      if (proxy instanceof Error) throw proxy;
      return proxy;
    },
  } as unknown as KubeApi;
  const host: Host = {
    run: async (command, args) => {
      ran.push([command, ...args].join(' '));
      if (node instanceof Error) throw node;
      return { exitCode: 0, stdout: '', stderr: '', ...node };
    },
  };
  return { read: (first: 'proxy' | 'fallback' = 'proxy') => new InstanceReader(api, host).read(POD, first), ran };
}

describe('InstanceReader', () => {
  it('keeps a machine from starting all readings past the API at once, and reads every instance', async () => {
    let now = 0;
    let most = 0;
    const ran: string[] = [];
    const host: Host = {
      run: async (_, args) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        ran.push(args[1]!);
        if (args[1] === 'n3') throw new Error('docker is busy');
        return { exitCode: 0, stdout: EMPTY, stderr: '' };
      },
    };
    const api = { proxyPod: async () => Promise.reject(kube(503)) } as unknown as KubeApi;
    const shared = new InstanceReader(api, host);
    const names = Array.from({ length: 25 }, (_, index) => `n${index}`);
    const read = await Promise.all(names.map((node) => shared.read({ ...POD, node }, 'proxy')));
    expect(read.filter(({ reading }) => reading.kind === 'read')).toHaveLength(24);
    expect(ran.sort()).toEqual([...names].sort());
    expect(most).toBe(6);
  });

  it('asks the proxy alone where that works', async () => {
    const { read, ran } = reader({ status: 200, body: EMPTY }, new Error('not to be run'));
    expect(await read()).toMatchObject({
      silent: false,
      reading: { kind: 'read', path: 'proxy', body: { pings: [] } },
    });
    expect(ran).toEqual([]);
  });

  it.each<[string, ProxyAnswer | Error, boolean]>([
    ['an error of the API server', kube(503), false],
    ['no answer', new ApiUnreachable('time-out', 'GET'), true],
    ['another status of the pod', { status: 503, body: 'x' }, false],
    ['a body that is none', { status: 200, body: '{"kind":"Status"}' }, false],
  ])('asks the node after %s', async (_, proxy, silent) => {
    const { read, ran } = reader(proxy, { stdout: EMPTY });
    expect(await read()).toMatchObject({ silent, reading: { kind: 'read', path: 'fallback' } });
    expect(ran).toEqual([
      'docker exec kind-worker curl --silent --show-error --noproxy * --max-time 3 http://192.168.1.1:8080/check',
    ]);
  });

  it.each<[string, Partial<CommandResult> | Error]>([
    ['curl fails', { exitCode: 7, stderr: 'curl: (7) Failed to connect' }],
    ['docker is missing', new CommandNotFound('docker')],
    ['the body is cut', { stdout: '{"podResults":{' }],
  ])('is unreadable when %s as well', async (_, node) => {
    const { reading } = await reader(kube(400), node).read();
    expect(reading).toMatchObject({ kind: 'unreadable', gone: false });
    expect(reading.kind === 'unreadable' && reading.error).toMatch(
      /^API proxy: status 400; docker exec kind-worker curl/,
    );
  });

  it('leaves pods alone that are no more', async () => {
    const { read, ran } = reader(kube(404), { stdout: EMPTY });
    expect(await read()).toMatchObject({ reading: { kind: 'unreadable', gone: true } });
    expect(ran).toEqual([]);
  });

  it('comes back to the proxy when the node cannot read either', async () => {
    const { read } = reader({ status: 200, body: EMPTY }, { exitCode: 7 });
    expect(await read('fallback')).toMatchObject({ reading: { kind: 'read', path: 'proxy' } });
  });
});

describe('instanceOf', () => {
  const pod = (change: object): Pod =>
    ({
      metadata: { name: 'goldpinger-x', uid: 'u', labels: { app: 'goldpinger' } },
      spec: { nodeName: 'kind-worker' },
      status: { phase: 'Running', podIP: '10.244.0.9', conditions: [{ type: 'Ready', status: 'True' }] },
      ...change,
    }) as unknown as Pod;
  const see = (change: object) => instanceOf(pod(change), () => 'cilium');

  it('expects running pods, Ready or not', () => {
    expect(see({})).toMatchObject({ probe: 'goldpinger', node: 'kind-worker', ip: '10.244.0.9', ready: true });
    const waiting = { containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] };
    expect(see({ status: { phase: 'Pending', ...waiting } })).toMatchObject({
      ip: '',
      cni: 'unknown',
      ready: false,
      unready: 'ContainerCreating',
    });
  });

  it.each([
    [{ metadata: { name: 'x', labels: { app: 'goldpinger' }, deletionTimestamp: '2026-01-01T00:00:00Z' } }],
    [{ metadata: { name: 'x', labels: { app: 'other' } } }],
    [{ status: { phase: 'Succeeded' } }],
    [{ status: { phase: 'Failed' } }],
  ])('never expects %j', (change) => {
    expect(see(change)).toBeUndefined();
  });

  // Calico's plugin writes the address that it gave, with its prefix; a pod that has another one now is on another CNI.
  it.each([
    ['unknown', { 'cni.projectcalico.org/podIP': '10.244.0.9/32' }, 'calico'],
    ['unknown', { 'cni.projectcalico.org/podIP': '10.244.0.8/32' }, 'unknown'],
    ['unknown', {}, 'unknown'],
    ['cilium', {}, 'cilium'],
    ['cilium', { 'cni.projectcalico.org/podIP': '10.244.0.9/32' }, 'calico'],
    ['cilium', { 'cni.projectcalico.org/podIP': '192.168.1.4/32' }, 'cilium'],
  ] as const)('of an address that the pools call %s, with annotations %j, is on %s', (pools, annotations, cni) => {
    const metadata = { name: 'goldpinger-x', uid: 'u', labels: { app: 'goldpinger' }, annotations };
    expect(instanceOf(pod({ metadata }), () => pools)?.cni).toBe(cni);
  });
});

describe('ServiceBook', () => {
  const rules = { freshSamples: 3, failuresToFail: 2, targets: 2, staleAfterMs: 9_000 };
  const good = [
    { target: 'name', protocol: 'dns', error: '' },
    { target: 'service', protocol: 'tcp', error: '' },
  ];
  const bad = [good[0]!, { target: 'service', protocol: 'tcp', error: 'i/o timeout' }];

  it.each<[string, (typeof good)[], number, string]>([
    ['three good answers', [good, good, good], 0, 'healthy'],
    ['two are too few', [good, good], 0, 'unknown'],
    ['one of them from before the change', [good, good, good], 2_000, 'unknown'],
    ['two failures', [good, bad, bad], 0, 'unhealthy'],
    ['one failure', [good, good, bad], 0, 'unknown'],
    ['good again, once', [bad, bad, good], 0, 'unknown'],
    ['a target without a result', [[good[0]!], [good[0]!], [good[0]!]], 0, 'unhealthy'],
  ])('%s', (_, answers, since, state) => {
    const book = new ServiceBook(rules);
    book.expect([instance('servicepinger-a')]);
    for (const [i, answer] of answers.entries()) book.read('uid-servicepinger-a', answer, (i + 1) * 2_000);
    expect(book.judge(7_000, since).map((entry) => entry.state)).toEqual([state]);
    expect(book.judge(60_000, since).map((entry) => entry.state)).toEqual(['unknown']);
    book.unreadable('uid-servicepinger-a', 'no answer');
    expect(book.judge(7_000, since)).toMatchObject([{ state: 'unknown', error: 'no answer' }]);
  });
});
