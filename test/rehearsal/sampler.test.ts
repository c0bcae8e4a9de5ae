import { describe, expect, it } from 'vitest';
import type { EventBody } from '../../src/events/events.ts';
import type { CommandResult, Host } from '../../src/host/host.ts';
import { ApiUnreachable, type CallOptions, type KubeApi, KubeError, type ProxyAnswer } from '../../src/kube/api.ts';
import type { Node, Pod } from '../../src/kube/objects.ts';
import { cniByAddress } from '../../src/probe/addresses.ts';
import { Sampler } from '../../src/rehearsal/sampler.ts';
import { scenario } from '../probe/scenario.ts';
import { SteppedClock } from './stepped-clock.ts';

const START = Date.UTC(2026, 0, 1);
const INTERVAL = 2_000;
const NODES = ['kind-control-plane', 'kind-worker'];

interface Change {
  readonly node?: string;
  readonly ip?: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
}

/** A cluster of goldpingers whose pings and readings go wrong as the test says. */
class Cluster {
  readonly clock = new SteppedClock(START);
  readonly events: EventBody[] = [];
  readonly pods = new Map<string, Pod>();
  readonly asked: string[] = [];
  /** Pods that the pod proxy does not reach, that nothing reaches, and pairs whose pings fail. */
  readonly proxyBlind = new Set<string>();
  readonly deaf = new Set<string>();
  /** How long a reading that fails takes, milliseconds. */
  slowness = 0;
  readonly broken = new Set<string>();
  /** Milliseconds until a pod answers; what it then says is how things were when it was asked. */
  readonly slow = new Map<string, number>();
  apiUp = true;
  /** The watches behind pods and nodes have caught up. */
  current = true;
  proxyHangs = false;
  step = 'probes';

  constructor() {
    for (const [i, node] of NODES.entries()) {
      for (const [p, probe] of ['nodepinger', 'goldpinger', 'servicepinger'].entries()) {
        this.pod(`${probe}-${i}`, { node, ip: `192.168.${i}.${p + 1}` });
      }
    }
  }

  pod(name: string, change: Change = {}): void {
    const old = this.pods.get(name);
    const ready = change.ready ?? true;
    this.pods.set(name, {
      metadata: {
        name,
        namespace: 'default',
        uid: `uid-${name}`,
        labels: { app: name.split('-')[0] ?? '' },
        ...(change.terminating ? { deletionTimestamp: new Date(this.clock.now()).toISOString() } : {}),
      },
      spec: { containers: [], nodeName: change.node ?? old?.spec?.nodeName ?? '' },
      status: {
        phase: 'Running',
        podIP: change.ip ?? old?.status?.podIP ?? '',
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      },
    } as Pod);
  }

  /** Every source pinged everybody in its group half a second ago. */
  check(name: string): string {
    const app = name.split('-')[0];
    const pingTime = new Date(this.clock.now() - 500).toISOString();
    const group = [...this.pods.values()].filter((pod) => pod.metadata.labels?.app === app);
    const podResults = Object.fromEntries(
      group.map(({ metadata, status }) => {
        const ok = !this.broken.has(`${name}>${metadata.name}`);
        const error = ok ? {} : { error: 'Get "http://x/ping": context deadline exceeded' };
        return [metadata.name, { OK: ok, PingTime: pingTime, PodIP: status?.podIP, ...error }];
      }),
    );
    const probes = { '10.96.0.1:443': [{ protocol: 'tcp' }], kubernetes: [{ protocol: 'dns' }] };
    return JSON.stringify({ podResults, ...(app === 'servicepinger' ? { probeResults: probes } : {}) });
  }

  readonly api = {
    proxyPod: async ({ name }: { name: string }, _: string, options?: CallOptions): Promise<ProxyAnswer> => {
      this.asked.push(name);
      if (!this.apiUp) throw new ApiUnreachable('connection refused', 'GET');
      if (!this.pods.has(name)) throw new KubeError(404, 'NotFound', `pods "${name}" not found`, 'GET');
      if (this.proxyBlind.has(name) || this.deaf.has(name)) {
        if (this.slowness > 0) await this.clock.sleep(this.slowness, options?.signal);
        if (this.proxyHangs) throw new ApiUnreachable('time-out', 'GET');
        throw new KubeError(503, 'ServiceUnavailable', 'error trying to reach service: i/o timeout', 'GET');
      }
      const body = this.check(name);
      const ms = this.slow.get(name);
      if (ms !== undefined) await this.clock.sleep(ms, options?.signal);
      return { status: 200, body };
    },
    raw: async (): Promise<ProxyAnswer> => {
      if (!this.apiUp) throw new ApiUnreachable('connection refused', 'GET /readyz');
      return { status: 200, body: 'ok' };
    },
  } as unknown as KubeApi;

  readonly host: Host = {
    run: async (command, args): Promise<CommandResult> => {
      const url = args.at(-1) ?? '';
      const pod = [...this.pods.values()].find(({ status }) => url === `http://${status?.podIP}:8080/check`);
      const name = pod?.metadata.name ?? '';
      this.asked.push(`${command} ${args[1]} ${name}`);
      if (!pod || pod.spec?.nodeName !== args[1] || this.deaf.has(name)) {
        return { exitCode: 28, stdout: '', stderr: 'curl: (28) timed out' };
      }
      return { exitCode: 0, stdout: this.check(name), stderr: '' };
    },
  };

  readonly sampler = new Sampler({
    clock: this.clock,
    api: this.api,
    host: this.host,
    emit: (event) => this.events.push(event),
    scenario: scenario(),
    pods: () => [...this.pods.values()],
    current: () => this.current,
    nodes: () => NODES.map((name) => ({ metadata: { name }, spec: {} }) as Node),
    cniOf: cniByAddress(['192.168.0.0/16'], ['10.244.0.0/16']),
    step: () => this.step,
  });

  run(story: () => Promise<void>): Promise<void> {
    this.sampler.start();
    return this.clock.run(
      (async () => {
        try {
          await story();
        } finally {
          await this.sampler.stop();
        }
      })(),
    );
  }

  async sweeps(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.sampler.sweep();
  }

  ofType<T extends EventBody['type']>(type: T): Extract<EventBody, { type: T }>[] {
    return this.events.filter((event): event is Extract<EventBody, { type: T }> => event.type === type);
  }

  states(since = START): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { judgement } of this.sampler.view(since).probes) {
      for (const { state } of judgement.pairs) counts[state] = (counts[state] ?? 0) + 1;
    }
    return counts;
  }
}

describe('Sampler', () => {
  it('reads every instance once an interval and knows all pairs after three pings', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      // The sweep that has begun already does not count, and its pings started before START.
      await cluster.sweeps(2);
      expect(cluster.states()).toEqual({ unknown: 4 });
      await cluster.sweeps(1);
      expect(cluster.states()).toEqual({ healthy: 4 });
      expect(cluster.clock.now()).toBe(START + 3 * INTERVAL);
      expect(cluster.asked).toHaveLength(4 * 6);
      expect(cluster.asked.slice(0, 6)).toEqual([
        'nodepinger-0',
        'nodepinger-1',
        'goldpinger-0',
        'goldpinger-1',
        'servicepinger-0',
        'servicepinger-1',
      ]);
      expect(cluster.sampler.view(START).access).toEqual({ proxy: 4, fallback: 0, notAskable: 0 });
      expect(cluster.sampler.services(START).map(({ state }) => state)).toEqual(['healthy', 'healthy']);
    });
  });

  it('tells sets when they change and readings when they differ, and nothing else', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(5);
      expect(cluster.events.map(({ type }) => type)).toEqual(['pods', 'pods']);
      cluster.broken.add('goldpinger-0>goldpinger-1');
      await cluster.sweeps(3);
      cluster.broken.clear();
      await cluster.sweeps(3);
      cluster.pod('goldpinger-2', { node: 'kind-worker', ip: '10.244.0.9' });
      await cluster.sweeps(1);
    });
    expect(cluster.ofType('sample').map(({ from, good, bad }) => [from, good, bad.map(({ to }) => to)])).toEqual([
      ['goldpinger-0', 1, ['goldpinger-1']],
      ['goldpinger-0', 2, []],
    ]);
    expect(cluster.ofType('pods').map(({ probe, pods }) => [probe, pods.length])).toEqual([
      ['nodepinger', 2],
      ['goldpinger', 2],
      ['goldpinger', 3],
    ]);
    expect(cluster.ofType('pods').at(-1)?.pods[2]).toEqual({
      pod: 'goldpinger-2',
      node: 'kind-worker',
      ip: '10.244.0.9',
      cni: 'cilium',
    });
  });

  it.each([false, true])('reads from the node what the proxy cannot (proxy hangs: %s)', async (hangs) => {
    const cluster = new Cluster();
    cluster.proxyHangs = hangs;
    cluster.proxyBlind.add('goldpinger-1');
    await cluster.run(async () => {
      await cluster.sweeps(4);
      expect(cluster.states()).toEqual({ healthy: 4 });
      const view = cluster.sampler.view(START);
      expect(view.access).toEqual({ proxy: 3, fallback: 1, notAskable: 0 });
      expect(view.apiDownMs).toBeNull();
      expect(view.blind).toEqual([]);
      // The proxy is not tried at every reading once it has failed, but again and again.
      const proxied = () => cluster.asked.filter((name) => name === 'goldpinger-1').length;
      expect(proxied()).toBe(1);
      await cluster.sweeps(30);
      expect(proxied()).toBeGreaterThan(1);
      cluster.proxyBlind.clear();
      await cluster.sweeps(20);
      expect(cluster.sampler.view(START).access.proxy).toBe(4);
    });
  });

  it('counts how long a source could not be read, while the API answers', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(4);
      cluster.deaf.add('nodepinger-1');
      await cluster.sweeps(6);
      const { blind, apiDownMs } = cluster.sampler.view(START);
      expect(apiDownMs).toBeNull();
      expect(blind.map(({ instance, ms }) => [instance.pod, ms])).toEqual([['nodepinger-1', 5 * INTERVAL]]);
      expect(cluster.states()).toEqual({ healthy: 3, unknown: 1 });
      cluster.apiUp = false;
      await cluster.sweeps(10);
      cluster.apiUp = true;
      await cluster.sweeps(2);
      expect(cluster.sampler.view(START).blind[0]?.ms).toBe(6 * INTERVAL);
      cluster.pod('nodepinger-1', { ready: false });
      await cluster.sweeps(1);
      expect(cluster.sampler.view(START).blind).toEqual([]);
    });
    expect(cluster.ofType('sample').map(({ from, unreadable }) => [from, unreadable !== undefined])).toEqual([
      ['nodepinger-1', true],
    ]);
  });

  it('does not let instances that take long hold up the others', async () => {
    const cluster = new Cluster();
    cluster.slowness = 9_000;
    await cluster.run(async () => {
      await cluster.sweeps(4);
      cluster.deaf.add('goldpinger-1');
      const from = cluster.clock.now();
      for (let i = 0; i < 10; i++) {
        await cluster.sweeps(1);
        const { pairs } = cluster.sampler.view(START).probes[0]?.judgement ?? { pairs: [] };
        expect(pairs.map(({ state }) => state)).toEqual(['healthy', 'healthy']);
      }
      // Each sweep starts on the beat and takes at most one.
      expect(cluster.clock.now() - from).toBeLessThanOrEqual(11 * INTERVAL);
      expect(cluster.states()).toEqual({ healthy: 3, unknown: 1 });
      expect(cluster.asked.filter((name) => name === 'goldpinger-1').length).toBeLessThan(9);
      expect(cluster.sampler.view(START).blind.map(({ instance }) => instance.pod)).toEqual(['goldpinger-1']);
    });
  });

  it('knows an API that is away from pods that cannot be read', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(4);
      cluster.apiUp = false;
      const before = cluster.asked.length;
      const down = cluster.clock.now();
      await cluster.sweeps(10);
      const view = cluster.sampler.view(START);
      expect(view.apiDownMs).toBe(cluster.clock.now() - down - INTERVAL);
      expect(view.blind).toEqual([]);
      // Nothing is asked of pods while nobody knows which there are, but for the sweep that found out.
      expect(cluster.asked.slice(before).filter((name) => !name.startsWith('docker'))).toHaveLength(6);
      expect(cluster.states().healthy ?? 0).toBe(0);
      cluster.apiUp = true;
      await cluster.sweeps(1);
      expect(cluster.sampler.view(START).apiDownMs).toBeNull();
    });
  });

  it('calls an API back only when the watches have caught up', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(4);
      expect(cluster.sampler.view(START).apiDownMs).toBeNull();
      cluster.current = false;
      await cluster.sweeps(1);
      expect(cluster.sampler.view(START).apiDownMs).not.toBeNull();
      cluster.current = true;
      await cluster.sweeps(1);
      expect(cluster.sampler.view(START).apiDownMs).toBeNull();
    });
  });

  it('takes watches that never catch up for an API that is away', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(4);
      cluster.current = false;
      await cluster.sweeps(10);
      const view = cluster.sampler.view(START);
      expect(view.apiDownMs).toBeGreaterThanOrEqual(9 * INTERVAL);
      expect(view.longestOutageMs).toBeGreaterThanOrEqual(9 * INTERVAL);
      expect(view.apiError).toMatch(/cannot be watched/);
      cluster.current = true;
      await cluster.sweeps(1);
      expect(cluster.sampler.view(START)).toMatchObject({ apiDownMs: null, longestOutageMs: view.longestOutageMs });
      cluster.sampler.settled();
      await cluster.sweeps(1);
      expect(cluster.sampler.view(START).longestOutageMs).toBe(0);
    });
  });

  it.each([
    [1, 'sampled'],
    [2, 'full'],
  ])('says of %i goldpinger pods on two nodes that their mesh is %s', async (replicas, mesh) => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      cluster.sampler.expectReplicas(replicas);
      await cluster.sweeps(1);
      expect(cluster.sampler.view(START).probes.map((probe) => [probe.name, probe.mesh])).toEqual([
        ['nodepinger', 'full'],
        ['goldpinger', mesh],
      ]);
    });
  });

  it('counts an answer of servicepinger from when it was asked', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(4);
      cluster.slow.set('servicepinger-0', 1_500);
      await cluster.clock.sleep(INTERVAL);
      const asked = cluster.asked.length;
      while (cluster.asked.length === asked) await cluster.clock.sleep(100);
      // Asked at the beat, changed within the second after it, answered after that: it says nothing of the change.
      const since = cluster.clock.now() + 1_000;
      await cluster.sweeps(2);
      expect(cluster.sampler.services(since)[0]).toMatchObject({
        instance: { pod: 'servicepinger-0' },
        state: 'unknown',
        error: 'only 2 of 3 answers yet',
      });
      await cluster.sweeps(1);
      expect(cluster.sampler.services(since)[0]).toMatchObject({ state: 'healthy' });
    });
  });

  it('forgets pods that terminate, and never asks them', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(4);
      cluster.pod('goldpinger-1', { terminating: true });
      cluster.broken.add('goldpinger-0>goldpinger-1');
      cluster.asked.length = 0;
      await cluster.sweeps(2);
      expect(cluster.asked).not.toContain('goldpinger-1');
      expect(cluster.states()).toEqual({ healthy: 2 });
      cluster.sampler.settled();
    });
    expect(cluster.ofType('disruption')).toEqual([]);
    expect(cluster.ofType('sample')).toEqual([]);
  });

  it('fails waiting gates when it cannot go on', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(1);
      cluster.pods.set('broken', null as unknown as Pod);
      await expect(cluster.sampler.sweep()).rejects.toThrow();
      expect(() => cluster.sampler.sweep()).toThrow();
    });
  });
});

describe('disruption', () => {
  async function outage(story: (cluster: Cluster) => Promise<void>): Promise<Cluster> {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await cluster.sweeps(4);
      cluster.sampler.settled();
      cluster.step = 'drain/kind-worker';
      await story(cluster);
    });
    return cluster;
  }

  const fail = async (cluster: Cluster, sweeps: number, pair = 'goldpinger-0>goldpinger-1'): Promise<void> => {
    cluster.broken.add(pair);
    await cluster.sweeps(sweeps);
    cluster.broken.delete(pair);
  };

  it('tells one unbroken stretch once, when it is over', async () => {
    const cluster = await outage(async (it) => {
      await fail(it, 5);
      expect(it.ofType('disruption')).toEqual([]);
      await it.sweeps(2);
      expect(it.sampler.view(START).longestUnexpected).toEqual({
        ms: 5 * INTERVAL,
        pair: 'goldpinger-0 on kind-control-plane → goldpinger-1 on kind-worker',
        step: 'drain/kind-worker',
      });
    });
    const first = START + 5 * INTERVAL - 500;
    expect(cluster.ofType('disruption')).toMatchObject([
      {
        probe: 'goldpinger',
        class: 'unexpected',
        firstFailedAt: new Date(first).toISOString(),
        lastFailedAt: new Date(first + 4 * INTERVAL).toISOString(),
        recoveredAt: new Date(first + 5 * INTERVAL).toISOString(),
        failed: 5,
        sent: 5,
        step: 'drain/kind-worker',
      },
    ]);
  });

  it('tells what still lasts at the end of the run', async () => {
    const cluster = await outage(async (it) => {
      it.broken.add('goldpinger-0>goldpinger-1');
      await it.sweeps(3);
    });
    expect(cluster.ofType('disruption')).toMatchObject([{ failed: 3 }]);
    expect(cluster.ofType('disruption')[0]).not.toHaveProperty('recoveredAt');
  });

  it('counts nothing before the first green checkpoint, and no pings of new pods or to self', async () => {
    const cluster = new Cluster();
    await cluster.run(async () => {
      await fail(cluster, 3);
      await cluster.sweeps(2);
      cluster.sampler.settled();
      await fail(cluster, 2, 'goldpinger-0>goldpinger-0');
      cluster.broken.add('goldpinger-0>goldpinger-2');
      cluster.pod('goldpinger-2', { node: 'kind-worker', ip: '10.244.0.9' });
      await cluster.sweeps(1);
      cluster.broken.clear();
      await cluster.sweeps(2);
    });
    expect(cluster.ofType('disruption')).toEqual([]);
  });

  it.each<[string, (cluster: Cluster) => Promise<void>, string[]]>([
    [
      'install-dip between its marks',
      async (cluster) => {
        cluster.sampler.installDipStarts();
        await cluster.sweeps(1);
        await fail(cluster, 2);
        await cluster.sweeps(1);
        cluster.sampler.installDipEnds();
        await cluster.sweeps(1);
        expect(cluster.sampler.view(START).longestUnexpected).toBeNull();
        await fail(cluster, 2);
        await cluster.sweeps(1);
      },
      ['install-dip', 'unexpected'],
    ],
    [
      'node-restart until the first good ping after it',
      async (cluster) => {
        cluster.sampler.nodeRestarting('kind-worker');
        await cluster.sweeps(1);
        await fail(cluster, 2);
        cluster.sampler.nodeRestarted('kind-worker');
        await cluster.sweeps(2);
        await fail(cluster, 2);
        await cluster.sweeps(1);
      },
      ['node-restart', 'unexpected'],
    ],
    [
      'node-restart also after a good ping that started before the restart was over',
      async (cluster) => {
        cluster.sampler.nodeRestarting('kind-worker');
        await cluster.clock.sleep(INTERVAL - 100);
        cluster.sampler.nodeRestarted('kind-worker');
        await cluster.sweeps(1);
        await fail(cluster, 2);
        await cluster.sweeps(1);
      },
      ['node-restart'],
    ],
    [
      'unexpected again once a checkpoint was green',
      async (cluster) => {
        cluster.sampler.nodeRestarting('kind-worker');
        cluster.sampler.nodeRestarted('kind-worker');
        cluster.sampler.settled();
        await cluster.sweeps(1);
        await fail(cluster, 2);
        await cluster.sweeps(1);
      },
      ['unexpected'],
    ],
    [
      'never node-restart on other nodes',
      async (cluster) => {
        cluster.pod('goldpinger-3', { node: 'kind-worker2', ip: '10.244.3.9' });
        cluster.pod('goldpinger-4', { node: 'kind-worker3', ip: '10.244.4.9' });
        await cluster.sweeps(3);
        cluster.sampler.nodeRestarting('kind-worker');
        cluster.sampler.nodeRestarted('kind-worker');
        await fail(cluster, 2, 'goldpinger-3>goldpinger-4');
        await cluster.sweeps(1);
      },
      ['unexpected'],
    ],
  ])('%s', async (_, story, classes) => {
    const cluster = await outage(story);
    expect(cluster.ofType('disruption').map((event) => event.class)).toEqual(classes);
  });
});
