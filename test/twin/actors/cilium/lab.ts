import type { ConfigMap, KubeObject, Node, Pod } from '../../../../src/kube/objects.ts';
import type { JsonObject } from '../../../../src/scenario/scenario.ts';
import { registerCilium } from '../../../../src/twin/actors/cilium/index.ts';
import type { CiliumNode } from '../../../../src/twin/actors/cilium/objects.ts';
import { ciliumConfig } from '../../../../src/twin/chart/cilium-config.ts';
import { loadChart } from '../../../../src/twin/chart/data.ts';
import { mergeValues } from '../../../../src/twin/chart/merge.ts';
import type { NodeNetwork } from '../../../../src/twin/network/network.ts';
import { createNetwork } from '../../../../src/twin/network/simulated-network.ts';
import type { Machine, ObjectStore } from '../../../../src/twin/world.ts';
import {
  addMachine,
  type FakeContainer,
  type FakeTime,
  type FakeWorld,
  fakeWorld,
  runContainer,
  runInit,
} from './fake-world.ts';

export const NODES = ['kind-control-plane', 'kind-worker', 'kind-worker2'];
export const CNI = '/etc/cni/net.d';
const VALUES: JsonObject = {
  tunnelPort: 8473,
  cni: { customConf: true },
  ipam: { operator: { clusterPoolIPv4PodCIDRList: ['10.244.0.0/16'] } },
  policyEnforcementMode: 'never',
  operator: { replicas: 1, unmanagedPodWatcher: { restart: false } },
  cluster: { name: 'kind-kind' },
};
export const TAKEOVER = {
  'write-cni-conf-when-ready': '/host/etc/cni/net.d/05-cilium.conflist',
  'cni-exclusive': 'true',
  'custom-cni-conf': 'false',
};

/** One control plane and two workers with Calico's devices and files, on which Cilium is installed by hand. */
export class Lab {
  readonly world: FakeWorld;
  readonly agents = new Map<string, FakeContainer>();
  operator: FakeContainer | undefined;
  #pods = 0;
  readonly version: string;

  constructor(
    values: JsonObject = {},
    options: { version?: string; seed?: number; store?: (time: FakeTime) => ObjectStore } = {},
  ) {
    this.version = options.version ?? '1.19.6';
    this.world = fakeWorld(createNetwork(), options.seed ?? 1, options.store);
    registerCilium(this.world);
    NODES.forEach((name, i) => {
      const machine = addMachine(this.world, name, `172.30.0.${i + 2}`);
      machine.files.write(`${CNI}/10-calico.conflist`, '{"name":"k8s-pod-network"}', 0o600);
      machine.files.write(`${CNI}/calico-kubeconfig`, 'token', 0o600);
      const network = this.network(name);
      network.addLink({
        name: 'vxlan.calico',
        kind: 'vxlan',
        mtu: 1450,
        port: 4789,
        vni: 4096,
        local: machine.address,
        parent: 'eth0',
      });
      network.addAddress('vxlan.calico', `192.168.${i}.64/32`);
    });
    const merged = mergeValues(loadChart(this.version)!.values, mergeValues(VALUES, values));
    this.world.store.create('configmaps', {
      metadata: { name: 'cilium-config', namespace: 'kube-system' },
      data: ciliumConfig(this.version, merged),
    } as ConfigMap & KubeObject);
    this.world.store.create('namespaces', {
      metadata: { name: 'default', labels: { 'kubernetes.io/metadata.name': 'default' } },
    });
  }

  machine(node: string): Machine {
    return this.world.machines.get(node)!;
  }
  network(node: string): NodeNetwork {
    return this.world.network.node(node)!;
  }
  ciliumNode(node: string): CiliumNode {
    return this.world.store.get<CiliumNode>('ciliumnodes.cilium.io', node)!;
  }

  startOperator(): void {
    this.operator = runContainer(this.world, this.machine('kind-worker2'), {
      uid: `operator-${this.#pods++}`,
      name: 'cilium-operator-abc',
      image: `quay.io/cilium/operator-generic:v${this.version}`,
      container: 'cilium-operator',
    });
  }

  /** A new agent pod; `restart` keeps the pod, so that its configuration is not built again. */
  startAgent(node: string, options: { sameUid?: string } = {}): string {
    const uid = options.sameUid ?? `agent-${this.#pods++}`;
    const image = `quay.io/cilium/cilium:v${this.version}@sha256:0df5`;
    const pod = { uid, name: `cilium-${uid}`, image, container: 'cilium-agent' };
    for (const container of ['config', 'install-cni-binaries'])
      if (options.sameUid === undefined) runInit(this.world, this.machine(node), { ...pod, container });
    this.agents.get(node)?.stop();
    this.agents.set(node, runContainer(this.world, this.machine(node), pod));
    return uid;
  }

  install(): void {
    this.startOperator();
    for (const node of NODES) this.startAgent(node);
    this.world.time.run(20_000);
  }

  /** Labels the node and restarts its agent, with the CiliumNodeConfig of the guide. */
  switchNode(node: string): void {
    const { store } = this.world;
    if (store.get('ciliumnodeconfigs.cilium.io', 'cilium-default', 'kube-system') === undefined)
      store.create('ciliumnodeconfigs.cilium.io', {
        metadata: { name: 'cilium-default', namespace: 'kube-system' },
        spec: { nodeSelector: { matchLabels: { migrated: 'true' } }, defaults: TAKEOVER },
      });
    store.update<Node & KubeObject>('nodes', { name: node }, (draft) => {
      draft.metadata.labels = { ...draft.metadata.labels, migrated: 'true' };
    });
    this.startAgent(node);
    this.world.time.run(10_000);
  }

  addPod(
    node: string,
    name: string,
    labels: Record<string, string> = { app: 'goldpinger', 'pod-template-hash': 'x' },
  ): { ip: string } | { error: string } {
    const pod = this.world.store.create('pods', {
      metadata: { name, namespace: 'default', uid: `uid-${name}`, labels },
      spec: {
        nodeName: node,
        serviceAccountName: 'goldpinger',
        containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }],
      },
      status: { phase: 'Running' },
    } as unknown as Pod & KubeObject);
    const result = this.world.cniPlugins.get('cilium-cni')!.add(this.machine(node), pod);
    this.world.time.run(2000);
    return result;
  }

  uidOf(pod: string): string {
    return this.world.store.get('pods', pod, 'default')!.metadata.uid!;
  }
}
