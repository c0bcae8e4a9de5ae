/** What no fault of the catalogue makes: agents that will not go, docker gone, budgets that add up, nodes that vanish. */
import { expect, test } from 'vitest';
import { CommandNotFound } from '../../../src/host/host.ts';
import type { Twin } from '../../../src/twin/twin.ts';
import { addRule, afterCheckpoint, atStep, type Break, rehearseBroken, stopApi } from './broken-rehearsal.ts';

const WORKER = 'kind-worker';
const PLANE = 'kind-control-plane';

test('an agent whose old pod stays in place is not taken for the new one', async () => {
  const act = atStep(`agent/${WORKER}`, ({ store }) => {
    const remove = store.remove.bind(store);
    store.remove = (resource, ref, options) =>
      resource === 'pods' && /^cilium-.{5}$/.test(ref.name) ? true : remove(resource, ref, options);
  });
  const { verdict } = await rehearseBroken({}, act, { until: `migrated/${WORKER}` });
  expect(verdict).toMatchObject({ verdict: 'failed', failedCheckpoint: `switched/${WORKER}` });
  expect(verdict.message).toMatch(/the old one/);
});

test.each([
  ['does not answer', 'tool-failed'],
  ['is not found', 'tool-missing'],
])('docker that %s any more is an error, also where only an assertion needs it', async (how, reason) => {
  const { verdict } = await rehearseBroken(
    {},
    ({ type, ...event }, twin) => {
      if (type !== 'step-ended' || !('step' in event) || event.step !== `recycle/${WORKER}`) return;
      const host = twin.host as { run: Twin['host']['run'] };
      const run = host.run.bind(host);
      host.run = async (command, args, options) => {
        if (command !== 'docker') return run(command, args, options);
        if (how === 'is not found') throw new CommandNotFound('docker');
        const stderr =
          'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?';
        return { exitCode: 1, stdout: '', stderr };
      };
    },
    { until: `switched/${WORKER}` },
  );
  expect(verdict).toMatchObject({ verdict: 'error', reason, failedCheckpoint: `switched/${WORKER}` });
});

test('the only control plane may boot for longer than timeouts.restart: apiOutage alone judges the API', async () => {
  const act: Break = (event, twin) => {
    if (event.type === 'object' && event.object === `docker restart ${PLANE}`) stopApi(twin, PLANE, 150_000);
  };
  const { verdict } = await rehearseBroken({ timeouts: { restart: '1m' } }, act);
  expect(verdict.verdict).toBe('passed');
});

const TWO_BUDGETS = `apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop, tier: front } }
    spec:
      # One on each node, so that the drained one has one.
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: DoNotSchedule
          nodeTaintsPolicy: Honor
          labelSelector: { matchLabels: { app: shop } }
      containers: [{ name: c, image: nginx:1 }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: one }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: shop } } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: other }
spec: { maxUnavailable: 1, selector: { matchLabels: { tier: front } } }
`;

test('two budgets on one pod, which the API never evicts, are named at drained/NODE', async () => {
  const { verdict } = await rehearseBroken({
    workloads: [{ file: 'shop.yaml', manifest: TWO_BUDGETS }],
    preflight: { allow: ['no-room-to-drain'] },
  });
  expect(verdict).toMatchObject({
    verdict: 'failed',
    reason: 'drain-blocked',
    failedCheckpoint: `drained/${WORKER}`,
    handwork: [`kubectl uncordon ${WORKER}`],
  });
  expect(verdict.message).toMatch(
    /default\/shop-.* cannot be evicted: .*more than one .*default\/one .*PodDisruptionBudget default\/other/,
  );
});

test('a node that the API knows no more is named before anything is restarted', async () => {
  // At once, before the phase has asked for its nodes.
  const { verdict, events } = await rehearseBroken({}, (event, { store }) => {
    if (event.type === 'phase-started' && event.phase === 'restart') store.remove('nodes', { name: WORKER });
  });
  expect(verdict).toMatchObject({
    verdict: 'failed',
    reason: 'node-not-ready',
    failedCheckpoint: `restarted/${WORKER}`,
    beforePointOfNoReturn: false,
  });
  expect(verdict.message).toMatch(/restart of kind-worker: the API knows no such node any more/);
  expect(events.filter((event) => event.type === 'object' && event.object.startsWith('docker restart'))).toEqual([]);
});

const waiting = (spec: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec: ${spec}
`;

test.each([
  [
    'fits on no node',
    '{ nodeSelector: { disk: ssd }, containers: [{ name: c, image: nginx:1 }] }',
    'scenario-invalid',
    /workloads: timed out waiting for Deployment default\/shop to be available; last seen: 0 of 1 pods are available/,
  ],
  [
    'has no image',
    '{ containers: [{ name: c, image: "quay.io/cilium/cilium:v9.9.9" }] }',
    'image-missing',
    /Deployment default\/shop to be available; .*cause: default\/shop-.*: image quay.io\/cilium\/cilium:v9.9.9/,
  ],
])('a workload that never comes up because it %s is the scenario', async (_, spec, reason, message) => {
  const workloads = [{ file: 'shop.yaml', manifest: waiting(spec) }];
  const preflight = { allow: ['no-room-to-drain', 'image-missing'] };
  const { verdict } = await rehearseBroken({ workloads, preflight }, undefined, { until: 'baseline' });
  expect(verdict).toMatchObject({ verdict: 'refused', reason, failedCheckpoint: null });
  expect(verdict.message).toMatch(message);
});

test("Calico's operator gone before the removal: the finalizers are named, and the hand-work strips them", async () => {
  const act = atStep('remove', (twin) => {
    twin.world.programs.register('tigera/operator', () => ({ ports: [] }));
    for (const { metadata } of twin.store.list('pods', { namespace: 'tigera-operator' })) {
      twin.store.remove('pods', metadata, { gracePeriodSeconds: 0 });
    }
  });
  const { verdict } = await rehearseBroken({}, act);
  expect(verdict).toMatchObject({
    verdict: 'failed',
    reason: 'removal-blocked',
    failedCheckpoint: 'legacy-removed',
    beforePointOfNoReturn: false,
  });
  expect(verdict.message).toMatch(/Installation default \(.*operator\.tigera\.io\/installation-controller/);
  expect(verdict.handwork[0]).toMatch(/finalizers/);
});

test('what the embedded network does not model ends as not-modelled, never as a fault of the migration', async () => {
  const act = afterCheckpoint('secondary-installed', (twin) =>
    addRule(twin, WORKER, '-A INPUT -p udp -m u32 --u32 "0=0" -j DROP'),
  );
  const { verdict } = await rehearseBroken({}, act, { until: `migrated/${WORKER}` });
  expect(verdict).toMatchObject({ verdict: 'not-modelled', reason: 'not-modelled' });
  expect(verdict.message).toMatch(/u32/);
});

test.each(['3.29.7', '3.31.7'])(
  'Calico %s goes though the garbage collector leaves its APIService: nothing waits for a namespace that waits for it',
  async (version) => {
    const act = atStep('remove', ({ store }) =>
      store.update('apiservices.apiregistration.k8s.io', { name: 'v3.projectcalico.org' }, (draft) => {
        draft.metadata.ownerReferences = [];
      }),
    );
    const { verdict, events } = await rehearseBroken({ calico: { version } }, act, { until: 'legacy-removed' });
    expect(verdict).toMatchObject({ verdict: 'passed', reason: 'stopped-as-asked' });
    const dropped = events.filter(
      (event) => event.type === 'object' && event.object === 'APIService v3.projectcalico.org',
    );
    expect(dropped).toHaveLength(1);
  },
);
