/** The walker against a real cluster: golden test (a). */
import { describe, expect, test } from 'vitest';
import {
  lastReadings,
  type Moment,
  type Pair,
  PING_PORT,
  type RecordedPod,
  readChecks,
  recordedCluster,
  walkPairs,
} from './recorded.ts';

/** 3 nodepingers and 6 goldpingers, each pinging its whole group. */
const GROUPS = { nodepinger: 3, goldpinger: 6 };
const ALL_PAIRS = 3 * 3 + 6 * 6;

function sorted(pairs: ReadonlyMap<Pair, boolean>): [Pair, boolean][] {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1));
}

const STEP_OF_RECORDING: Record<3 | 4, string> = { 3: 'rec 3-final', 4: 'rec 4-calico-removed' };

function readings(moment: Moment, pods: readonly RecordedPod[]): Map<Pair, boolean> {
  if (moment === 1 || moment === 2) return readChecks(moment);
  const step = moment === 5 ? 'rec 5-restarted' : STEP_OF_RECORDING[moment];
  return lastReadings('healthy-walk', (entry) => entry.startsWith(step), pods, GROUPS);
}

describe('every ordered pod pair of the recorded cluster', () => {
  test.each([1, 2, 3, 4] as const)('at moment %i', (moment) => {
    const cluster = recordedCluster(moment);
    const real = readings(moment, cluster.pods);
    expect(real.size).toBe(ALL_PAIRS);
    expect(sorted(walkPairs(cluster))).toEqual(sorted(real));
  });

  test('at moment 5, between the two workers: the control plane boots and its pods have no address', () => {
    const cluster = recordedCluster(5);
    const real = readings(5, cluster.pods);
    expect(real.size).toBe(2 * 2 + 6 * 6);
    expect(sorted(walkPairs(cluster))).toEqual(sorted(real));
  });
});

describe('what else was recorded about the mixed state (moment 2)', () => {
  const cluster = recordedCluster(2);
  const address = (name: string): string => cluster.pods.find((pod) => pod.name === name)!.ip;
  const calico = 'goldpinger-865f448549-cv277';
  const cilium = 'goldpinger-865f448549-5txv6';
  const connect = (from: string, to: string) =>
    cluster.network.connect({ podUid: from }, { ip: address(to), port: PING_PORT });

  test.each([
    ['Calico pod to Cilium pod: the sending node’s CiliumInternalIP', calico, cilium, '10.244.1.252'],
    ['Cilium pod to Calico pod: the sending node', cilium, calico, '172.30.0.2'],
    ['Calico pod to Calico pod: the pod', calico, 'goldpinger-865f448549-2xr2f', '192.168.44.72'],
    ['Cilium pod to Cilium pod of the node: the pod', cilium, 'goldpinger-865f448549-96c9b', '10.244.0.191'],
  ])('source seen: %s', (_, from, to, seen) => {
    expect(connect(from, to)).toMatchObject({ ok: true, sourceSeen: seen });
  });

  test('packets of 1400 bytes pass from Calico to Cilium, and no larger ones (large-payload.txt: frag needed, mtu 1400)', () => {
    expect(connect(calico, cilium)).toMatchObject({ ok: true, pathMtu: 1400 });
  });

  test('each node reaches each health endpoint and router through the tunnel', () => {
    for (const from of cluster.network.nodes()) {
      for (const to of cluster.network.nodes()) {
        const { healthIp, routerIp } = to.cilium()!;
        const outcome = cluster.network.connect({ node: from.node }, { ip: healthIp, port: 4240 });
        expect(outcome).toMatchObject({ ok: true, at: { node: to.node, port: 4240 } });
        expect(cluster.network.ping({ node: from.node }, routerIp)).toMatchObject({ ok: true });
      }
    }
  });

  test('the API server’s node reaches every pod (pod proxy), and every pod the API by its Service', () => {
    for (const pod of cluster.pods) {
      const proxied = cluster.network.connect({ node: 'kind-control-plane' }, { ip: pod.ip, port: PING_PORT });
      expect(proxied, pod.name).toMatchObject({ ok: true, at: { podUid: pod.name } });
      const api = cluster.network.connect({ podUid: pod.name }, { ip: '10.96.0.1', port: 443 });
      expect(api, pod.name).toMatchObject({ ok: true, at: { node: 'kind-control-plane', port: 6443 } });
    }
  });
});
