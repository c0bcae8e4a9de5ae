import { beforeEach, describe, expect, test } from 'vitest';
import type { ConfigMap, KubeObject, Node, Pod } from '../../../../src/kube/objects.ts';
import { Lab, NODES } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});

describe('operator', () => {
  const addAgentPod = (node: string, ready: boolean): void => {
    lab.world.store.create('pods', {
      metadata: { name: `cilium-${node}`, namespace: 'kube-system', labels: { 'k8s-app': 'cilium' } },
      spec: { nodeName: node, containers: [] },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
    } as unknown as Pod & KubeObject);
  };
  const node = (name: string): Node => lab.world.store.get<Node & KubeObject>('nodes', name)!;
  const condition = (name: string): unknown =>
    node(name)
      .status?.conditions?.filter((entry) => entry.type === 'NetworkUnavailable')
      .map((entry) => [entry.status, entry.reason]);

  test('taints a node whose agent is not ready, and clears taint and NetworkUnavailable when it is', () => {
    lab.startOperator();
    lab.world.time.run(3000);
    addAgentPod('kind-worker', false);
    lab.world.time.run(2000);
    expect(node('kind-worker').spec?.taints).toEqual([{ effect: 'NoSchedule', key: 'node.cilium.io/agent-not-ready' }]);
    expect(node('kind-worker2').spec?.taints ?? []).toEqual([]);
    expect(condition('kind-worker')).toEqual([]);
    lab.world.store.update<Pod & KubeObject>(
      'pods',
      { name: 'cilium-kind-worker', namespace: 'kube-system' },
      (draft) => {
        draft.status!.conditions = [{ type: 'Ready', status: 'True' }];
      },
    );
    lab.world.time.run(2000);
    expect(node('kind-worker').spec?.taints).toBeUndefined();
    expect(condition('kind-worker')).toEqual([['False', 'CiliumIsUp']]);
  });

  test("takes the condition back about 2 s after Calico's flip", () => {
    lab.startOperator();
    addAgentPod('kind-worker', true);
    lab.world.time.run(5000);
    lab.world.store.update<Node & KubeObject>('nodes', { name: 'kind-worker' }, (draft) => {
      draft.status!.conditions = [{ type: 'NetworkUnavailable', status: 'False', reason: 'CalicoIsUp' }];
    });
    lab.world.time.run(1000);
    expect(condition('kind-worker')).toEqual([['False', 'CalicoIsUp']]);
    lab.world.time.run(2000);
    expect(condition('kind-worker')).toEqual([['False', 'CiliumIsUp']]);
  });

  test('an exhausted pool leaves the last node without a block, named in its status; its agent is not ready', () => {
    const small = new Lab({ ipam: { operator: { clusterPoolIPv4PodCIDRList: ['10.244.0.0/23'] } } });
    small.install();
    const nodes = NODES.map((name) => small.ciliumNode(name));
    const without = nodes.filter((entry) => entry.spec.ipam.podCIDRs === undefined);
    expect(without).toHaveLength(1);
    expect(without[0]!.status.ipam['operator-status'].error).toMatch(/full/);
    expect(small.agents.get(without[0]!.metadata.name)!.process.probe!('startup')).toBe(false);
  });

  test('pools that overlap each other end it at its start, and no node gets a block', () => {
    const twice = new Lab({ ipam: { operator: { clusterPoolIPv4PodCIDRList: ['10.240.0.0/12', '10.244.0.0/16'] } } });
    twice.install();
    expect(NODES.map((name) => twice.ciliumNode(name).spec.ipam.podCIDRs)).toEqual(NODES.map(() => undefined));
  });

  test('blocks stay with their nodes over an operator restart', () => {
    lab.install();
    const before = NODES.map((name) => lab.ciliumNode(name).spec.ipam.podCIDRs);
    lab.operator!.stop();
    lab.startOperator();
    lab.world.time.run(5000);
    lab.startAgent('kind-worker');
    lab.world.time.run(10_000);
    expect(NODES.map((name) => lab.ciliumNode(name).spec.ipam.podCIDRs)).toEqual(before);
  });

  test('an API outage of 10 s costs it the lease, a shorter one does not', () => {
    lab.install();
    lab.world.api = false;
    lab.world.time.run(7000);
    lab.world.api = true;
    lab.world.time.run(10_000);
    expect(lab.operator!.exits).toEqual([]);
    lab.world.api = false;
    lab.world.time.run(15_000);
    expect(lab.operator!.exits[0]).toMatchObject({
      code: 255,
      message: expect.stringContaining('Leader election lost'),
    });
  });

  test.each([
    ['1.14.19', ['v2alpha1']],
    ['1.15.19', ['v2alpha1']],
    ['1.16.19', ['v2', 'v2alpha1']],
    ['1.19.6', ['v2', 'v2alpha1']],
    ['1.20.0', ['v2']],
  ])('%s serves CiliumNodeConfig in %j', (version, versions) => {
    const other = new Lab({}, { version });
    other.startOperator();
    other.world.time.run(3000);
    const crd = other.world.store.get<KubeObject>(
      'customresourcedefinitions.apiextensions.k8s.io',
      'ciliumnodeconfigs.cilium.io',
    );
    const spec = crd!.spec as { versions: { name: string; storage: boolean }[] };
    expect(spec.versions.map((entry) => entry.name).sort()).toEqual(versions);
    expect(spec.versions.filter((entry) => entry.storage)).toHaveLength(1);
  });

  describe('unmanaged DNS pods', () => {
    const dns = (name: string): void => {
      lab.world.store.create('pods', {
        metadata: { name, namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
        spec: { nodeName: 'kind-worker', containers: [] },
        status: { phase: 'Running', startTime: new Date(lab.world.time.now()).toISOString() },
      } as unknown as Pod & KubeObject);
    };
    const left = (): string[] =>
      lab.world.store.list('pods', { labels: { 'k8s-app': 'kube-dns' } }).map((pod) => pod.metadata.name);

    test('are left alone while the interval is 0, also when it changes under a running operator', () => {
      dns('coredns-1');
      lab.install();
      lab.world.store.update<ConfigMap & KubeObject>(
        'configmaps',
        { name: 'cilium-config', namespace: 'kube-system' },
        (draft) => {
          draft.data = { ...draft.data, 'unmanaged-pod-watcher-interval': '15s' };
        },
      );
      lab.world.time.run(120_000);
      expect(left()).toEqual(['coredns-1']);
      lab.operator!.stop();
      lab.startOperator();
      lab.world.time.run(20_000);
      expect(left()).toEqual([]);
    });

    test('go one a round, each when it is older than 30 s; a pod with an endpoint stays', () => {
      lab = new Lab({ operator: { unmanagedPodWatcher: { restart: true } } });
      dns('coredns-1');
      dns('coredns-2');
      dns('coredns-3');
      lab.install();
      lab.world.store.create('ciliumendpoints.cilium.io', {
        metadata: { name: 'coredns-3', namespace: 'kube-system' },
      });
      expect(left()).toHaveLength(3);
      const counts: number[] = [];
      for (let i = 0; i < 4; i++) {
        lab.world.time.run(15_000);
        counts.push(left().length);
      }
      expect(counts).toEqual([2, 1, 1, 1]);
      expect(left()).toEqual(['coredns-3']);
    });
  });
});
