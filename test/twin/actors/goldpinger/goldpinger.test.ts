import { describe, expect, it } from 'vitest';
import type { Service } from '../../../../src/kube/objects.ts';
import { EPOCH } from '../../controllers/fake-world.ts';
import { scene } from './scene.ts';

const three = (options = {}) => {
  const s = scene(options);
  const uids = ['a', 'b', 'c'].map((name) => s.startPod(name, { node: `node-${name}` }));
  return { ...s, uids: uids as [string, string, string] };
};

describe('/check', () => {
  it('is {} before the first ping, then has every pod, itself included, in goldpinger’s shape', () => {
    const s = three();
    s.world.time.run(21);
    expect(s.ask(s.uids[0], '/check').body).toBe('{}\n');
    s.world.time.run(3_000);
    const body = s.ask(s.uids[0], '/check').body;
    expect(Object.keys(JSON.parse(body).podResults)).toEqual(['a', 'b', 'c']);
    expect(body).toMatch(
      /^\{"podResults":\{"a":\{"HostIP":"172.18.0.9","OK":true,"PingTime":"2026-01-01T00:00:0\d\.\d{3}Z","PodIP":"192.168.0.1","response":\{"boot_time":"2026-01-01T00:00:00.000Z"\},"status-code":200\},/,
    );
  });

  it('caches: pings go on every 2 to 2.1 s, whoever reads', () => {
    const s = three();
    s.world.time.run(5_000);
    const times = new Set<string>();
    for (let i = 0; i < 200; i++) {
      s.world.time.run(100);
      times.add(s.check(s.uids[0]).b!.PingTime);
    }
    const stamps = [...times].map((time) => Date.parse(time));
    const gaps = stamps.slice(1).map((time, i) => time - stamps[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2_100);
  });

  it.each([
    [
      'timeout',
      (s: ReturnType<typeof three>) => s.world.fakeNetwork.change(() => s.cut.add(`${s.uids[0]}>192.168.0.2`)),
      'Get "http://192.168.0.2:8080/ping": context deadline exceeded',
      504,
    ],
    [
      'stopped listener',
      (s: ReturnType<typeof three>) => s.stopPod(s.uids[1]),
      'Get "http://192.168.0.2:8080/ping": dial tcp 192.168.0.2:8080: connect: connection refused',
      504,
    ],
    [
      'no address',
      (s: ReturnType<typeof three>) => s.patchPod('b', (pod) => void delete pod.status!.podIP),
      "Host or pod IP empty, can't make a call",
      500,
    ],
  ])('%s', (_, act, error, code) => {
    const s = three();
    s.world.time.run(5_000);
    act(s);
    s.world.time.run(5_500);
    expect(s.check(s.uids[0]).b).toMatchObject({ OK: false, error, 'status-code': code });
    expect(s.check(s.uids[2]).c).toMatchObject({ OK: true });
  });

  it('keeps the ghost of a deleted pod until the next list', () => {
    const s = three();
    s.world.time.run(5_100);
    s.stopPod(s.uids[1]);
    s.world.store.remove('pods', { name: 'b', namespace: 'default' }, { gracePeriodSeconds: 0 });
    expect(Object.keys(s.check(s.uids[0]))).toEqual(['a', 'b', 'c']);
    s.world.time.run(2_100);
    expect(Object.keys(s.check(s.uids[0]))).toEqual(['a', 'c']);
  });

  it('forgets everybody when the list fails, and says healthy 0, unhealthy 0', () => {
    const s = three();
    s.world.time.run(5_000);
    s.world.up = false;
    s.world.time.run(5_000);
    expect(s.ask(s.uids[0], '/check').body).toBe('{}\n');
    expect(s.ask(s.uids[0], '/metrics').body).toContain('status="healthy"} 0');
    expect(s.ask(s.uids[0], '/metrics').body).toMatch(
      /goldpinger_errors_total\{goldpinger_instance="a",type="kubernetes_api"\} [1-9]/,
    );
    s.world.up = true;
    s.world.time.run(6_000);
    expect(Object.keys(s.check(s.uids[0]))).toEqual(['a', 'b', 'c']);
  });

  it('lets only the blind pod forget', () => {
    const s = three();
    s.world.time.run(5_000);
    s.world.fakeNetwork.change(() => s.blind.add(s.uids[0]));
    s.world.time.run(5_000);
    expect(s.check(s.uids[0])).toEqual({});
    expect(Object.keys(s.check(s.uids[1]))).toEqual(['a', 'b', 'c']);
  });

  it('an outage that is over when somebody reads has still been noticed', () => {
    const s = three();
    s.world.time.run(5_000);
    s.world.up = false;
    s.world.time.run(30_000);
    s.world.up = true;
    s.world.time.run(1_000);
    const metrics = s.ask(s.uids[0], '/metrics').body;
    expect(Number(/type="kubernetes_api"\} (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(10);
  });

  it('runs name and TCP probes live', () => {
    const s = scene();
    const env = {
      HOSTS_TO_RESOLVE: 'kubernetes.default.svc.cluster.local nobody.default.svc.cluster.local',
      TCP_TARGETS: '10.96.0.1:443 192.168.0.77:443',
    };
    const uid = s.startPod('a', { env });
    s.world.time.run(3_000);
    const probes = () => JSON.parse(s.ask(uid, '/check').body).probeResults;
    expect(probes()['10.96.0.1:443']).toEqual([{ protocol: 'tcp', 'response-time-ms': 1 }]);
    expect(probes()['192.168.0.77:443'][0].error).toBe('dial tcp 192.168.0.77:443: connect: connection refused');
    expect(probes()['kubernetes.default.svc.cluster.local'][0].error).toContain('connection refused');
    s.world.store.create<Service>('services', {
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: { clusterIP: '10.96.0.10' },
    });
    const before = s.world.fakeNetwork.decide;
    s.world.fakeNetwork.decide = (from, to) =>
      to.port === 53
        ? { ok: true, milliseconds: 2, at: { podUid: 'dns', port: 53 }, sourceSeen: '', pathMtu: 1500 }
        : before(from, to);
    expect(probes()['kubernetes.default.svc.cluster.local']).toEqual([{ protocol: 'dns', 'response-time-ms': 2 }]);
    expect(probes()['nobody.default.svc.cluster.local'][0].error).toBe(
      'lookup nobody.default.svc.cluster.local on 10.96.0.10:53: no such host',
    );
    expect(Object.keys(JSON.parse(s.ask(uid, '/check').body))).toEqual(['podResults', 'probeResults']);
  });
});

describe('the rest of the surface', () => {
  it('has no health gauge in the first interval and one tick later has', () => {
    const s = three();
    s.world.time.run(1_900);
    expect(s.ask(s.uids[0], '/metrics').body).not.toContain('nodes_health_total');
    s.world.time.run(4_000);
    expect(s.ask(s.uids[0], '/metrics').body).toContain(
      'goldpinger_nodes_health_total{goldpinger_instance="a",status="healthy"} 3',
    );
  });

  it('does not listen before the first list, nor after SIGTERM, nor on localhost only', () => {
    const s = scene();
    const uid = s.startPod('a');
    const process = s.world.processes.get(uid)!;
    expect(process.ports).toEqual([]);
    s.world.time.run(30);
    expect(process.ports).toEqual([8080]);
    process.terminate!();
    expect(process.ports).toEqual([]);
    const local = s.startPod('b', { env: { HOST: 'localhost' } });
    s.world.time.run(30);
    expect(s.world.processes.get(local)!.ports).toEqual([]);
  });

  it('serves static files of 264 kB, /ping, /healthz and 404', () => {
    const s = three();
    s.world.time.run(100);
    expect(s.ask(s.uids[0], '/static/jquery/3.1.0/jquery.js').bytes).toBeGreaterThan(260_000);
    expect(JSON.parse(s.ask(s.uids[0], '/ping').body)).toEqual({ boot_time: new Date(EPOCH).toISOString() });
    expect(JSON.parse(s.ask(s.uids[0], '/healthz').body)).toMatchObject({ OK: true });
    expect(s.ask(s.uids[0], '/nothing').status).toBe(404);
  });

  it('cluster_health is green while pings fail one way, and 418 while a pod does not answer', () => {
    const s = three();
    s.world.time.run(6_000);
    s.world.fakeNetwork.change(() => s.cut.add(`${s.uids[0]}>192.168.0.2`));
    s.world.time.run(6_000);
    expect(s.ask(s.uids[2], '/cluster_health').status).toBe(200);
    const red = s.ask(s.uids[0], '/cluster_health');
    expect(red.status).toBe(418);
    expect(JSON.parse(red.body)).toMatchObject({ OK: false, nodesTotal: 3, nodesUnhealthy: ['172.18.0.9'] });
    const all = JSON.parse(s.ask(s.uids[0], '/check_all').body);
    expect(all.responses.b).toMatchObject({
      OK: false,
      error: 'Get "http://192.168.0.2:8080/check": context deadline exceeded',
    });
    expect(all.responses.a.response.podResults.b.OK).toBe(false);
  });

  it('refuses by name what is not modelled', () => {
    const s = scene();
    const uid = s.startPod('a', { env: { USE_HOST_IP: 'true' } });
    s.world.time.run(100);
    expect(s.world.processes.get(uid)!.ports).toEqual([]);
  });

  it('loses pings of and to a starving node, even those to itself, and no others', () => {
    const from = EPOCH + 10_000;
    const s = three({
      starvation: (node: string, at: number) => node === 'node-a' && at >= from && at < from + 4_000,
    });
    const [a, b, c] = s.uids;
    s.world.time.run(13_900);
    const timeout = (ip: string) => ({ OK: false, error: `Get "http://${ip}:8080/ping": context deadline exceeded` });
    expect(s.check(a)).toMatchObject({ a: timeout('192.168.0.1'), b: timeout('192.168.0.2') });
    expect(s.check(b)).toMatchObject({ a: timeout('192.168.0.1'), c: { OK: true } });
    s.world.time.run(4_000);
    for (const uid of [a, b, c]) expect(Object.values(s.check(uid)).every((one) => one.OK)).toBe(true);
  });
});
