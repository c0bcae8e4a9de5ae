/** What is read from a provisioned cluster: the twin's, as kind and the operator make it. */
import path from 'node:path';
import { expect, test } from 'vitest';
import type { EventBody } from '../../src/events/events.ts';
import { type KubeApi, KubeError } from '../../src/kube/api.ts';
import { clusterFacts } from '../../src/preflight/cluster-facts.ts';
import type { ClusterFacts } from '../../src/preflight/rule.ts';
import { calicoCniFeature } from '../../src/preflight/rules/calico-cni-feature.ts';
import { calicoEbpf } from '../../src/preflight/rules/calico-ebpf.ts';
import { calicoPolicyLost } from '../../src/preflight/rules/calico-policy-lost.ts';
import { noRoomToDrain } from '../../src/preflight/rules/no-room-to-drain.ts';
import { policyAcrossCnis } from '../../src/preflight/rules/policy-across-cnis.ts';
import { createTwinProvider } from '../../src/provider/twin.ts';
import { runRehearsal } from '../../src/rehearsal/run.ts';
import { readScenario } from '../../src/scenario/read.ts';
import { clusterOf, factsOf } from './rig.ts';

const SIGNAL = new AbortController().signal;
const LIVE = [calicoCniFeature, calicoEbpf, calicoPolicyLost, noRoomToDrain, policyAcrossCnis];
const VERSIONS = ['3.25.1', '3.31.7', '3.32.1'] as const;

/** Provisions `minimal` with this Calico, up to the baseline, and reads it before the cluster is gone. */
async function read(calico: string): Promise<ClusterFacts> {
  const file = path.resolve(import.meta.dirname, '../../scenarios/minimal.yaml');
  const base = readScenario(file, 'minimal');
  const scenario = { ...base, calico: { ...base.calico, version: calico } };
  const provider = createTwinProvider({ scenario, seed: 1 });
  let reading: Promise<ClusterFacts> | undefined;
  const emit = (event: EventBody): void => {
    if (event.type !== 'checkpoint' || event.id !== 'baseline') return;
    // Under way before the run goes on to delete its cluster.
    reading = provider.connect(provider.kubeconfig).then((api) => clusterFacts(api, factsOf(scenario), SIGNAL));
    reading.catch(() => undefined);
  };
  try {
    await provider.run(async () => {
      await runRehearsal({
        scenario,
        seed: 1,
        provider,
        until: 'baseline',
        emit,
        keep: 'always',
        tool: { name: 'cni-rehearsal', version: '0.0.0' },
        signal: SIGNAL,
      });
      await reading;
    });
    return await reading!;
  } finally {
    await provider.close();
  }
}

test.each(VERSIONS)(
  'Calico %s: pools, blocks, subnets, kubeadm, pods, policies and budgets',
  async (version) => {
    const facts = await read(version);
    const v = Number(version.split('.')[1]);
    expect(facts.installation?.spec).toMatchObject({ calicoNetwork: { linuxDataplane: 'Iptables' } });
    expect(facts.pools.map(({ spec }) => spec.cidr)).toEqual(['192.168.0.0/16']);
    expect([...facts.blocks.keys()].sort()).toEqual(['kind-control-plane', 'kind-worker']);
    for (const blocks of facts.blocks.values()) expect(blocks[0]).toMatch(/^192\.168\.\d+\.\d+\/26$/);
    expect(facts.nodeSubnets).toEqual(['172.18.0.0/16']);
    expect([facts.podSubnet, facts.serviceSubnet]).toEqual(['192.168.0.0/16', '10.96.0.0/16']);
    expect(facts.clusterNodes.map(({ metadata }) => metadata.name).sort()).toEqual([
      'kind-control-plane',
      'kind-worker',
    ]);
    expect(facts.pods.some(({ metadata }) => metadata.labels?.['k8s-app'] === 'kube-dns')).toBe(true);
    // The operator's own: facts by version; from 3.32 they are Calico policies in a tier of its own.
    const own = facts.networkPolicies.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
    expect(own).toEqual(
      v >= 32
        ? []
        : ['NetworkPolicy allow-apiserver', ...(v >= 30 ? ['NetworkPolicy goldmane', 'NetworkPolicy whisker'] : [])],
    );
    for (const { metadata } of facts.networkPolicies) {
      expect(metadata.ownerReferences?.[0]?.apiVersion).toBe('operator.tigera.io/v1');
    }
    const kinds = new Set(facts.calicoPolicies.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`));
    expect([...kinds].sort()).toEqual(
      v >= 32 ? ['crd.projectcalico.org/v1 NetworkPolicy', 'crd.projectcalico.org/v1 Tier'] : [],
    );
    expect(facts.podDisruptionBudgets.map(({ metadata }) => metadata.name).sort()).toEqual(
      v >= 29 ? ['calico-apiserver', 'calico-typha'] : ['calico-typha'],
    );
    // What kind, the operator and our own probes bring must not be refused.
    for (const rule of LIVE) expect(rule.judgeCluster!(facts), rule.id).toEqual([]);
  },
  60_000,
);

/** An API that answers with what the lab's cluster has, but for one kind. */
function api(broken: string, error: Error, data: Record<string, string> = {}): KubeApi {
  const answer = (plural: string) => {
    if (plural === broken) throw error;
    const { clusterNodes } = clusterOf();
    return plural === 'nodes' ? clusterNodes : [];
  };
  return {
    list: async ({ plural }: { plural: string }) => ({ items: answer(plural), resourceVersion: '1' }),
    get: async ({ plural }: { plural: string }) => {
      answer(plural);
      return { metadata: { name: 'x' }, data };
    },
  } as unknown as KubeApi;
}

const missing = new KubeError(404, 'NotFound', 'not served', 'GET');
const refused = new KubeError(500, 'InternalError', 'etcd', 'GET');
const readWith = (broken: string, error: Error, data?: Record<string, string>) =>
  clusterFacts(api(broken, error, data), factsOf(), SIGNAL);

test.each([
  'nodes',
  'pods',
  'ippools',
  'ipamblocks',
  'networkpolicies',
  'poddisruptionbudgets',
  'hostendpoints',
  'configmaps',
  'installations',
])('a read of %s that failed is a failure, never an empty list', async (plural) => {
  await expect(readWith(plural, refused)).rejects.toThrow('etcd');
});

test.each(['ippools', 'ipamblocks', 'pods', 'poddisruptionbudgets'])('%s must be served', async (plural) => {
  await expect(readWith(plural, missing)).rejects.toThrow('not served');
});

test.each(['tiers', 'hostendpoints', 'globalnetworkpolicies', 'stagednetworkpolicies'])(
  '%s that are not served are none',
  async (plural) => {
    expect((await readWith(plural, missing)).calicoPolicies).toEqual([]);
  },
);

test('objects that may be absent are', async () => {
  expect((await readWith('installations', missing)).installation).toBeUndefined();
  expect((await readWith('felixconfigurations', missing)).felix).toBeUndefined();
  expect(await readWith('configmaps', missing)).toMatchObject({ podSubnet: null, serviceSubnet: null });
});

test('kubeadm names its subnets, or cannot be read and says so', async () => {
  const two = { ClusterConfiguration: 'networking:\n  podSubnet: 10.0.0.0/16,fd00::/56\n  serviceSubnet: ""\n' };
  expect(await readWith('', missing, two)).toMatchObject({ podSubnet: '10.0.0.0/16,fd00::/56', serviceSubnet: null });
  await expect(readWith('', missing, { ClusterConfiguration: 'a: [' })).rejects.toThrow(
    /kubeadm-config: ClusterConfiguration is no YAML/,
  );
});

test('subnets of the nodes: by annotation, by address where the annotation is not its own', async () => {
  const node = (name: string, address: string, annotation?: string) => ({
    metadata: { name, annotations: annotation === undefined ? {} : { 'projectcalico.org/IPv4Address': annotation } },
    status: { addresses: [{ type: 'InternalIP', address }] },
  });
  const list = [
    node('a', '172.18.0.2', '172.18.0.2/16'),
    node('b', '172.18.0.3', '10.244.2.193/32'),
    node('c', '10.9.0.7'),
    node('d', 'fd00::7'),
  ];
  const fake = api('', missing);
  const nodesApi = {
    ...fake,
    list: async (resource: { plural: string }) =>
      resource.plural === 'nodes' ? { items: list, resourceVersion: '1' } : fake.list(resource as never),
  } as unknown as KubeApi;
  expect((await clusterFacts(nodesApi, factsOf(), SIGNAL)).nodeSubnets).toEqual(['10.9.0.7/32', '172.18.0.0/16']);
});
