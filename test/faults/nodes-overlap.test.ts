/** The overlap with the nodes' subnet as it was recorded: who loses what, and what stays as it was. */
import { expect, test } from 'vitest';
import { commandLine } from '../../src/cli/usage.ts';
import type { Node, Pod } from '../../src/kube/objects.ts';
import { withFaults } from '../../src/session/scenario-choice.ts';
import { bundledScenario, rehearse } from '../e2e/rehearse.ts';

test('the API is lost from outside only: nodes stay Ready, Calico pairs good, pods of other nodes forget their peers', async () => {
  const base = { ...bundledScenario('minimal'), preflight: { allow: ['pod-cidr-overlap'] } };
  const specs = ['pod-cidr-overlap:of=nodes'];
  const { scenario, faults } = withFaults(base, specs, { seed: 5, provider: 'twin', source: commandLine('run') });
  const { verdict } = await rehearse({
    scenario,
    faults,
    seed: 5,
    look: ({ twin }) => {
      const { world, store, server, cluster } = twin;
      expect(world.apiAvailable()).toBe(true);
      expect(server.available()).toBe(false);
      for (const node of store.list<Node>('nodes')) {
        const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
        expect([node.metadata.name, ready?.status]).toEqual([node.metadata.name, 'True']);
      }
      for (const name of cluster.machines.keys()) {
        expect(world.network.node(name)!.routes().join('\n')).toMatch(/172\.18\.0\.0\/24 via \S+ dev cilium_host/);
      }
      const pods = store.list<Pod>('pods', { labelSelector: 'app=nodepinger' });
      expect(pods).toHaveLength(2);
      for (const from of pods) {
        for (const to of pods) {
          const call = { ip: to.status!.podIP!, port: 8080 };
          expect(world.network.connect({ podUid: from.metadata.uid! }, call).ok).toBe(true);
        }
        // The Kubernetes Service leads to the control plane's IPv4 address.
        const onPlane = from.spec!.nodeName === 'kind-control-plane';
        const api = world.network.connect({ podUid: from.metadata.uid! }, { ip: '10.96.0.1', port: 443 });
        expect([from.spec!.nodeName, api.ok]).toEqual([from.spec!.nodeName, onPlane]);
      }
    },
  });
  expect(verdict).toMatchObject({
    verdict: 'failed',
    reason: 'control-plane-lost',
    failedCheckpoint: 'secondary-installed',
  });
});
