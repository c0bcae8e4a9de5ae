/** The machines of the twin's one kind cluster, and how the store's changes reach their kubelets. */
import type { Node, Pod } from '../../kube/objects.ts';
import type { World } from '../world.ts';
import { AddressPool } from './addresses.ts';
import type { ApiHealth } from './api-health.ts';
import { hexId } from './ids.ts';
import { type NodeEnvironment, TwinMachine } from './machine.ts';
import type { PodRegistry } from './pod-registry.ts';

/** kind's load balancer in front of several control planes: a container, but no node. */
export interface LoadBalancer {
  readonly name: string;
  readonly containerId: string;
  readonly address: string;
  readonly startedAt: number;
}

export interface NodeSpec {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  readonly kubernetesVersion: string;
  /** Ports of the host that lead to the node. */
  readonly published?: readonly { readonly hostPort: number; readonly containerPort: number }[];
}

/** A port of the machine on which the cluster runs, and the node behind it. */
export interface PublishedNodePort {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly node: string;
}

export class Cluster {
  readonly world: World;
  readonly api: ApiHealth;
  readonly pods: PodRegistry;
  readonly machines = new Map<string, TwinMachine>();
  /** Name of the kind cluster; undefined before it is made and after it was deleted. */
  name: string | undefined;
  loadBalancer: LoadBalancer | undefined;
  /** What Docker publishes of the nodes, as kind's configuration says. */
  published: readonly PublishedNodePort[] = [];
  /** A deleted cluster leaves its objects behind: a world makes only one. */
  used = false;
  readonly #env: NodeEnvironment;

  constructor(world: World, api: ApiHealth, pods: PodRegistry) {
    this.world = world;
    this.api = api;
    this.pods = pods;
    this.#env = { world, api, pods, addresses: new AddressPool(world.config.nodeSubnet) };
    world.network.setListeners((where) => pods.listener(where) !== undefined || this.#onNode(where));
    world.store.onChange<Pod>('pods', (event) => {
      const node = event.object.spec?.nodeName;
      if (node !== undefined) this.machines.get(node)?.kubelet?.podChanged(event);
    });
    world.store.onChange<Node>('nodes', ({ object }) =>
      this.machines.get(object.metadata.name)?.kubelet?.nodeChanged(),
    );
    api.onUp(() => {
      for (const machine of this.#sorted()) machine.kubelet?.apiUp();
    });
  }

  /**
   * Makes and starts the containers of a cluster. They start at the same time, so which one gets which address is
   * chance (kind, providers/docker/provision.go).
   */
  create(name: string, nodes: readonly NodeSpec[]): void {
    const { world } = this;
    this.name = name;
    this.used = true;
    this.published = nodes.flatMap((node) => (node.published ?? []).map((port) => ({ ...port, node: node.name })));
    const random = world.random(`docker/${name}`);
    const starts = nodes.map((node) => () => {
      this.machines.get(node.name)!.start();
    });
    for (const node of nodes) {
      const machine = new TwinMachine(this.#env, { ...node, cluster: name });
      this.machines.set(node.name, machine);
      world.machines.set(node.name, machine);
    }
    if (nodes.filter((node) => node.role === 'control-plane').length > 1) {
      starts.push(() => {
        this.loadBalancer = {
          name: `${name}-external-load-balancer`,
          containerId: hexId(random),
          address: this.#env.addresses.take(),
          startedAt: world.time.now(),
        };
      });
    }
    for (const start of random.shuffle(starts)) start();
  }

  /** Removes every container. */
  delete(): void {
    for (const machine of this.#sorted()) {
      machine.stop();
      this.machines.delete(machine.name);
      this.world.machines.delete(machine.name);
    }
    if (this.loadBalancer !== undefined) this.#env.addresses.release(this.loadBalancer.address);
    this.loadBalancer = undefined;
    this.published = [];
    this.name = undefined;
  }

  /** Listeners of a node that are not containers: the kubelet. */
  #onNode(where: { node?: string; podUid?: string; port: number }): boolean {
    return where.node !== undefined && where.port === 10250 && this.machines.get(where.node)?.running() === true;
  }

  #sorted(): TwinMachine[] {
    return [...this.machines.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
