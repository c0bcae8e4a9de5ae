/** The network breaks while a rehearsal runs: the first checkpoint that can see it is red, and says between whom. */
import { describe, expect, test } from 'vitest';
import type { Pod } from '../../../src/kube/objects.ts';
import type { Twin } from '../../../src/twin/twin.ts';
import { addRule, afterStep, atStep, type Change, deleteRule, rehearseBroken } from './broken-rehearsal.ts';

const WORKER = 'kind-worker';
const OTHER = 'kind-worker2';
const PLANE = 'kind-control-plane';
const TWO_WORKERS: Change = {
  cluster: { workers: 2 },
  probes: { goldpinger: { replicas: 6, replicasAfterFirstNode: 6 } },
};

const nodepinger = (twin: Twin, node: string): string =>
  twin.store
    .list<Pod>('pods', { namespace: 'default', labels: { app: 'nodepinger' } })
    .find((pod) => pod.spec?.nodeName === node)!.status!.podIP!;

test('an instance that loses the API forgets its peers: an empty answer is not green', async () => {
  const act = atStep('cilium-install', (twin) =>
    addRule(twin, WORKER, `-A FORWARD -s ${nodepinger(twin, WORKER)}/32 -p tcp -m tcp --dport 6443 -j DROP`),
  );
  const { verdict } = await rehearseBroken({}, act, { until: `migrated/${WORKER}` });
  expect(verdict).toMatchObject({
    verdict: 'failed',
    reason: 'pairs-unmeasured',
    failedCheckpoint: 'secondary-installed',
  });
  expect(verdict.message).toMatch(/knows no peer at all/);
});

test('a disruption while a checkpoint is judged is told with the step before it', async () => {
  const act = afterStep(`drain/${WORKER}`, (twin) => {
    const rule = `-A FORWARD -s ${nodepinger(twin, PLANE)}/32 -d ${nodepinger(twin, OTHER)}/32 -p tcp -m tcp --dport 8080 -j DROP`;
    addRule(twin, PLANE, rule);
    twin.clock.after(5_000, () => deleteRule(twin, PLANE, rule));
  });
  const run = await rehearseBroken(TWO_WORKERS, act, { until: `drained/${WORKER}` });
  expect(run.verdict.verdict).toBe('passed');
  const told = run.events.filter((event) => event.type === 'disruption');
  expect(told.filter((event) => event.class === 'unexpected')).toMatchObject([{ step: `drain/${WORKER}` }]);
  expect(told.filter((event) => event.step === '')).toEqual([]);
});

const POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: probes-only }
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{ from: [{ podSelector: {} }] }]
`;

test('a podSelector policy under enforcement never: Calico drops what comes from Cilium, and nothing else fails', async () => {
  const change = {
    ...TWO_WORKERS,
    workloads: [{ file: 'policy.yaml', manifest: POLICY }],
    preflight: { allow: ['policy-across-cnis'] },
  };
  const { verdict, checkpoint } = await rehearseBroken(change, undefined, { until: `migrated/${WORKER}` });
  expect(verdict).toMatchObject({
    verdict: 'failed',
    reason: 'pairs-unhealthy',
    failedCheckpoint: `switched/${WORKER}`,
  });
  const { failing } = checkpoint(`switched/${WORKER}`)!;
  expect(failing).toHaveLength(2);
  for (const { from, to } of failing) expect([from.cni, to.cni]).toEqual(['cilium', 'calico']);
});

const DENY = (types: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: deny }
spec: { podSelector: {}, policyTypes: [${types}] }
`;

test.each(['Ingress', 'Ingress, Egress'])(
  'a policy that denies all %s explains a baseline that is not green',
  async (types) => {
    const change = { workloads: [{ file: 'deny.yaml', manifest: DENY(types) }] };
    const { verdict } = await rehearseBroken(change, undefined, { until: 'baseline' });
    expect(verdict).toMatchObject({ verdict: 'refused', reason: 'scenario-invalid', failedCheckpoint: 'baseline' });
    expect(verdict.message).toMatch(/explained by deny.yaml: NetworkPolicy deny/);
  },
);

test('cni.customConf: false fails at secondary-installed, naming the files', async () => {
  const { verdict } = await rehearseBroken({
    cilium: { values: { cni: { customConf: false } } },
    preflight: { allow: ['cni-takeover'] },
  });
  expect(verdict).toMatchObject({ verdict: 'failed', failedCheckpoint: 'secondary-installed' });
  expect(verdict.message).toMatch(/cni-files-unchanged: .*05-cilium.conflist is new/);
});

describe('with the health endpoint switched off', () => {
  const change = { cilium: { values: { endpointHealthChecking: { enabled: false } } } };
  const until = 'secondary-installed';

  test("the overlay is judged by the other nodes' kubelets, through the tunnel", async () => {
    const { verdict, events } = await rehearseBroken(change, undefined, { until });
    expect(verdict).toMatchObject({ verdict: 'passed', reason: 'stopped-as-asked' });
    expect(events).toContainEqual(expect.objectContaining({ type: 'finding', id: 'no-health-endpoint' }));
  });

  test('a tunnel that carries nothing is red', async () => {
    const act = atStep('node-config', (twin) => addRule(twin, WORKER, '-A INPUT -p udp -m udp --dport 8473 -j DROP'));
    const { verdict } = await rehearseBroken(change, act, { until });
    expect(verdict).toMatchObject({ verdict: 'failed', reason: 'assertion-failed', failedCheckpoint: until });
    expect(verdict.message).toMatch(/overlay-reachable: .*no answer from its CiliumInternalIP 10\.244/);
  });
});
