/** The bundled scenarios beside the lab do what their files say. `hundred` as a whole is left to the benchmark and the soak. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { customResourceDefinitions, daemonSets } from '../../src/kube/resources.ts';
import type { TwinProvider } from '../../src/provider/twin.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { bundledScenario, eventsOf, type Rehearsed, rehearse } from './rehearse.ts';

const WORKER = 'kind-worker';

/** Devices, main routes and CNI objects of a node as the run left it. */
async function run(provider: TwinProvider, node: string, ...command: string[]): Promise<string> {
  const result = await provider.host.run('docker', ['exec', node, ...command], { timeoutMs: 5_000 });
  expect(result.exitCode, result.stderr).toBe(0);
  return result.stdout;
}
const links = async (provider: TwinProvider, node: string) =>
  JSON.parse(await run(provider, node, 'ip', '-json', '-details', 'link', 'show')) as {
    ifname: string;
    flags: string[];
    linkinfo?: { info_kind: string; info_data?: { port?: number } };
  }[];
const routes = async (provider: TwinProvider, node: string) =>
  JSON.parse(await run(provider, node, 'ip', '-json', '-4', 'route', 'show', 'table', 'main')) as {
    dst: string;
    dev?: string;
    protocol?: string;
  }[];

/** Fewer workers say the same for less: what a scenario is about is on every node. */
const smaller = (name: string, workers: number): Scenario => {
  const base = bundledScenario(name);
  return { ...base, cluster: { ...base.cluster, workers } };
};

describe('passes with every seed', () => {
  it.each<[string, number, number]>([
    ['geneve', 4, 201],
    ['geneve', 1, 301],
    ['cilium-1.15', 4, 202],
    ['cilium-1.15', 1, 302],
    ['cilium-1.20', 4, 203],
    ['cilium-1.20', 1, 303],
    ['calico-ipip', 4, 204],
    ['workloads', 3, 305],
  ])('%s with %i workers, seed %i', async (name, workers, seed) => {
    const { verdict } = await rehearse({ scenario: smaller(name, workers), seed });
    expect(verdict).toMatchObject({ verdict: 'passed', reason: 'completed', failedCheckpoint: null, handwork: [] });
  });
});

it('workloads passes, and drains have moved every pod of the StatefulSet under its own name', async () => {
  const rehearsed = await rehearse({ scenario: 'workloads', seed: 205 });
  expect(rehearsed.verdict).toMatchObject({ verdict: 'passed', reason: 'completed' });
  const moved = eventsOf(rehearsed, 'object').flatMap(({ object }) =>
    /^Pod shop\/store-/.test(object) ? [object] : [],
  );
  expect(new Set(moved)).toEqual(new Set(['Pod shop/store-0', 'Pod shop/store-1', 'Pod shop/store-2']));
});

describe('what sets a scenario apart is there', () => {
  it('geneve: the overlay of a switched node is cilium_geneve on UDP 6081', async () => {
    await rehearse({
      scenario: smaller('geneve', 1),
      until: `switched/${WORKER}`,
      look: async (provider) => {
        const devices = await links(provider, WORKER);
        const tunnel = devices.find(({ ifname }) => ifname === 'cilium_geneve');
        expect(tunnel).toMatchObject({ linkinfo: { info_kind: 'geneve', info_data: { port: 6081 } } });
        expect(tunnel?.flags).toContain('UP');
        expect(devices.some(({ ifname }) => ifname === 'cilium_vxlan')).toBe(false);
      },
    });
  });

  it('calico-ipip: BIRD routes over tunl0 and there is no vxlan.calico; a restart leaves tunl0 DOWN and no route of BIRD', async () => {
    const scenario = smaller('calico-ipip', 2);
    const seen = await rehearse({
      scenario,
      until: `switched/${WORKER}`,
      look: async (provider) => {
        for (const node of ['kind-control-plane', WORKER]) {
          const devices = await links(provider, node);
          expect(devices.find(({ ifname }) => ifname === 'tunl0')?.flags).toContain('UP');
          expect(devices.some(({ ifname }) => ifname === 'vxlan.calico')).toBe(false);
          const remote = (await routes(provider, node)).filter(({ dev }) => dev === 'tunl0');
          expect(remote).toHaveLength(2);
          expect(remote.every(({ protocol }) => protocol === 'bird')).toBe(true);
        }
      },
    });
    expect(seen.verdict.verdict).toBe('passed');
    await rehearse({
      scenario,
      until: `restarted/${WORKER}`,
      look: async (provider) => {
        expect((await links(provider, WORKER)).find(({ ifname }) => ifname === 'tunl0')?.flags).not.toContain('UP');
        expect((await routes(provider, WORKER)).filter(({ protocol }) => protocol === 'bird')).toEqual([]);
        expect((await routes(provider, 'kind-worker2')).some(({ protocol }) => protocol === 'bird')).toBe(true);
      },
    });
  });

  it.each([
    ['cilium-1.15', 'cilium.io/v2alpha1', false],
    ['cilium-1.20', 'cilium.io/v2', true],
  ])('%s: CiliumNodeConfig of %s, envoy a DaemonSet: %s', async (scenario, apiVersion, envoy) => {
    const rehearsed = await rehearse({
      scenario: smaller(scenario, 1),
      until: 'secondary-installed',
      look: async (provider) => {
        const api = await provider.connect(provider.kubeconfig);
        const daemons = (await api.list(daemonSets, { namespace: 'kube-system' })).items;
        expect(daemons.some(({ metadata }) => metadata.name === 'cilium-envoy')).toBe(envoy);
        const crds = (await api.list(customResourceDefinitions)).items;
        const crd = crds.find(({ metadata }) => metadata.name === 'ciliumnodeconfigs.cilium.io');
        const served = crd?.spec.versions.filter((version) => version.served).map(({ name }) => `cilium.io/${name}`);
        expect(served).toEqual([apiVersion]);
      },
    });
    const file = eventsOf(rehearsed, 'file').find(({ name }) => name === 'ciliumnodeconfig.yaml');
    expect(file?.content).toContain(`apiVersion: ${apiVersion}\n`);
  });
});

const SHOP = path.resolve(import.meta.dirname, '../../scenarios/workloads');

describe('policies across two CNIs', () => {
  /** `workloads` with another policy in `default`, where the probes are. */
  function withPolicy(from: readonly unknown[], cilium: Partial<Scenario['cilium']> = {}): Scenario {
    const base = bundledScenario('workloads');
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'probes', namespace: 'default' },
      spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ from }] },
    };
    return {
      ...base,
      cluster: { ...base.cluster, workers: 2 },
      cilium: { ...base.cilium, ...cilium },
      probes: { ...base.probes, goldpinger: { replicas: 3, replicasAfterFirstNode: 6 } },
      workloads: [{ file: 'policy.json', manifest: JSON.stringify(policy) }],
      // What is tested here is what the rule saves users from.
      preflight: { allow: ['policy-across-cnis'] },
    };
  }
  const NODES = { ipBlock: { cidr: '172.18.0.0/16' } };
  const CALICO = { ipBlock: { cidr: '192.168.0.0/16' } };
  const CILIUM = { ipBlock: { cidr: '10.244.0.0/16' } };
  const SAME = { podSelector: {} };
  const ENFORCING = { values: { policyEnforcementMode: 'default' } };

  /** `calico → cilium` of the pairs that fail at the checkpoint where the run ended. */
  const directions = (rehearsed: Rehearsed): string[] => {
    const red = eventsOf(rehearsed, 'checkpoint').find(({ outcome }) => outcome === 'failed');
    return [...new Set((red?.failing ?? []).map(({ from, to }) => `${from.cni} → ${to.cni}`))].sort();
  };

  it.each<[string, unknown[], Partial<Scenario['cilium']>, string | null, string[]]>([
    ['blocks and selectors hold to the end', [SAME, NODES, CALICO, CILIUM], {}, null, []],
    ['selectors alone', [SAME], {}, `switched/${WORKER}`, ['cilium → calico']],
    ['without the node subnet', [SAME, CALICO, CILIUM], {}, `switched/${WORKER}`, ['cilium → calico']],
    [
      'with the switched node excepted',
      [SAME, { ipBlock: { cidr: '172.18.0.0/16', except: ['172.18.0.3/32', '172.18.0.1/32'] } }, CALICO, CILIUM],
      {},
      `switched/${WORKER}`,
      ['cilium → calico'],
    ],
    ["blocks alone, which do not match Cilium's pods", [NODES, CALICO, CILIUM], {}, 'finalized', ['cilium → cilium']],
    [
      'Cilium enforcing at once, selectors alone',
      [SAME],
      ENFORCING,
      `switched/${WORKER}`,
      ['calico → cilium', 'cilium → calico'],
    ],
    [
      "Cilium enforcing at once, without Cilium's pool",
      [SAME, NODES, CALICO],
      ENFORCING,
      `switched/${WORKER}`,
      ['calico → cilium'],
    ],
  ])('%s', async (_, from, cilium, failed, failing) => {
    const rehearsed = await rehearse({ scenario: withPolicy(from, cilium), seed: 4, until: 'finalized' });
    expect(rehearsed.verdict.failedCheckpoint).toBe(failed);
    expect(directions(rehearsed)).toEqual(failing);
  });

  it('workloads-policies, allowed, fails at the first switched node from Cilium to Calico only', async () => {
    const scenario = bundledScenario('workloads-policies');
    for (const seed of [1, 2]) {
      const allowed: Scenario = { ...scenario, preflight: { allow: ['policy-across-cnis'] } };
      const rehearsed = await rehearse({ scenario: allowed, seed });
      expect(rehearsed.verdict).toMatchObject({
        verdict: 'failed',
        reason: 'pairs-unhealthy',
        failedCheckpoint: `switched/${WORKER}`,
        beforePointOfNoReturn: true,
      });
      expect(directions(rehearsed)).toEqual(['cilium → calico']);
    }
  });

  it('the bundled policy names the networks of its scenario', () => {
    const { cluster, calico, cilium } = bundledScenario('workloads');
    const text = readFileSync(path.join(SHOP, 'policies-cidr.yaml'), 'utf8');
    for (const cidr of [cluster.nodeSubnet, calico.cidr, ...(cilium.podCIDR ?? [])])
      expect(text).toContain(`cidr: ${cidr}`);
  });
});

describe('hundred', () => {
  it('in batches: every node of a batch gets its share of goldpinger pods, and what is looked at in part says so', async () => {
    // 24 workers are beyond the limits above which only parts are looked at; batches and pods are scaled down with them.
    const base = smaller('hundred', 24);
    const scenario: Scenario = {
      ...base,
      probes: { ...base.probes, goldpinger: { replicas: 25, replicasAfterFirstNode: 25 } },
      migration: { ...base.migration, batchSize: 5 },
    };
    const rehearsed = await rehearse({ scenario, seed: 5, until: 'migrated/kind-worker5' });
    expect(rehearsed.verdict).toMatchObject({ verdict: 'passed', reason: 'stopped-as-asked' });
    const migrated = eventsOf(rehearsed, 'checkpoint').filter(({ id }) => id.startsWith('migrated/'));
    expect(migrated.map(({ outcome }) => outcome)).toEqual(Array(5).fill('passed'));
    const seen = eventsOf(rehearsed, 'assertion')
      .filter(({ id, checkpoint }) => id === 'overlay-reachable' && checkpoint.startsWith('migrated/'))
      .map((assertion) => assertion.seen);
    // 25 nodes look at the next 5 of the ring; those that do not see one of the batch there look at it as well.
    expect(new Set(seen)).toEqual(
      new Set([expect.stringMatching(/^2\d\d directions: each node to the next 5, and to what/)]),
    );
    expect(seen).toHaveLength(5);
  });
});
