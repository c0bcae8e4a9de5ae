/** A world with a fake store and real network namespaces, files and programs. */
import type { KubeObject, Node, Pod } from '../../../../src/kube/objects.ts';
import { randomStream } from '../../../../src/time/random.ts';
import { registerCalico } from '../../../../src/twin/actors/calico/index.ts';
import type { NodeNetwork } from '../../../../src/twin/network/network.ts';
import { createNetwork } from '../../../../src/twin/network/simulated-network.ts';
import { MachineFiles } from '../../../../src/twin/node/files.ts';
import { createProgramCatalogue } from '../../../../src/twin/node/programs.ts';
import type { Cancel, ContainerContext, Machine, Process, SimulatedTime, World } from '../../../../src/twin/world.ts';
import { FakeStore } from './fake-store.ts';

/** Timers in order of time and of their making. */
export class FakeTime implements SimulatedTime {
  private timers: { at: number; action: () => void; dead: boolean }[] = [];
  private clock = Date.UTC(2026, 0, 1);

  now(): number {
    return this.clock;
  }

  after(ms: number, action: () => void): Cancel {
    const timer = { at: this.clock + ms, action, dead: false };
    this.timers.push(timer);
    return () => {
      timer.dead = true;
    };
  }

  /** Lets time pass. */
  pass(seconds: number): void {
    const end = this.clock + seconds * 1_000;
    for (;;) {
      this.timers = this.timers.filter((timer) => !timer.dead);
      const next = this.timers.reduce<(typeof this.timers)[number] | undefined>(
        (first, timer) => (timer.at <= end && (!first || timer.at < first.at) ? timer : first),
        undefined,
      );
      if (!next) break;
      this.clock = Math.max(this.clock, next.at);
      next.dead = true;
      next.action();
    }
    this.clock = end;
  }
}

class FakeMachine implements Machine {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  readonly address: string;
  readonly files: MachineFiles;
  private readonly time: SimulatedTime;

  constructor(name: string, address: string, time: SimulatedTime) {
    this.name = name;
    this.role = name.endsWith('control-plane') ? 'control-plane' : 'worker';
    this.address = address;
    this.files = new MachineFiles(time);
    this.time = time;
  }
  running(): boolean {
    return true;
  }
  startedAt(): number {
    return this.time.now();
  }
  restart(): void {}
}

export interface Running {
  readonly process: Process;
  /** SIGKILL. */
  end(): void;
  readonly exits: number[];
}

export interface FakeWorld {
  readonly world: World;
  readonly time: FakeTime;
  readonly store: FakeStore;
  network(node: string): NodeNetwork;
  machine(node: string): Machine;
  /** Is the API there? */
  api: boolean;
  /** Runs the program of an image, outside of any pod. */
  run(image: string, options?: { node?: string; env?: Record<string, string>; args?: string[] }): Running;
  /** Runs an init container to its end. */
  init(image: string, container: string, node: string): void;
  /** Attaches a pod by the Calico plugin. */
  attach(name: string, node: string, extra?: Partial<Pod['metadata']>): string;
}

/** `indexes`: interface index of eth0 per node; 3 unless given. */
export function fakeWorld(
  nodes: readonly string[],
  options: { podSubnet?: string; eth0Index?: number; seed?: number } = {},
): FakeWorld {
  const time = new FakeTime();
  const store = new FakeStore(time);
  const network = createNetwork({ now: () => time.now() });
  const machines = new Map<string, Machine>();
  const streams = new Map<string, ReturnType<typeof randomStream>>();
  const state = { api: true };
  const world: World = {
    time,
    random: (consumer) => {
      const stream = streams.get(consumer) ?? randomStream(options.seed ?? 1, consumer);
      streams.set(consumer, stream);
      return stream;
    },
    store,
    network,
    programs: createProgramCatalogue(),
    cniPlugins: new Map(),
    machines,
    apiAvailable: () => state.api,
    process: () => undefined,
    pullImage: () => ({ ms: 0 }),
    config: {
      seed: options.seed ?? 1,
      nodeSubnet: '172.18.0.0/16',
      podSubnet: '192.168.0.0/16',
      serviceSubnet: '10.96.0.0/16',
      kubernetesVersion: '1.34.1',
    },
  };
  nodes.forEach((name, i) => {
    const address = `172.18.0.${i + 2}`;
    machines.set(name, new FakeMachine(name, address, time));
    network.addNode(name, address, '172.18.0.0/16', { eth0Index: options.eth0Index ?? 3 });
    store.create<Node>('nodes', {
      metadata: { name, labels: { 'kubernetes.io/os': 'linux' } },
      spec: { providerID: `kind://docker/kind/${name}` },
      status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: 'True' }] },
    } as Node);
  });
  for (const name of ['default', 'kube-system', 'tigera-operator']) {
    store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  const subnet = options.podSubnet ?? '192.168.0.0/16';
  store.create('configmaps', {
    metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
    data: { ClusterConfiguration: `networking:\n  podSubnet: ${subnet}\n` },
  } as KubeObject);
  registerCalico(world);

  const contextOf = (
    image: string,
    node: string,
    extra: { env?: Record<string, string>; args?: string[]; container?: string },
  ) => {
    const timers = new Set<Cancel>();
    const exits: number[] = [];
    const context: ContainerContext = {
      world,
      machine: machines.get(node)!,
      podUid: `${image}@${node}`,
      namespace: 'calico-system',
      podName: `${image}-${node}`,
      containerName: extra.container ?? 'main',
      image,
      pod: () => undefined,
      env: new Map(Object.entries(extra.env ?? {})),
      args: extra.args ?? [],
      address: machines.get(node)!.address,
      random: randomStream(1, `${image}@${node}`),
      after: (ms, action) => {
        const cancel = time.after(ms, action);
        timers.add(cancel);
        return cancel;
      },
      exit: (code) => {
        exits.push(code);
        for (const cancel of timers) cancel();
      },
    };
    return {
      context,
      exits,
      end: () => {
        for (const cancel of timers) cancel();
      },
    };
  };
  return {
    world,
    time,
    store,
    network: (name) => network.node(name)!,
    machine: (name) => machines.get(name)!,
    get api() {
      return state.api;
    },
    set api(value: boolean) {
      state.api = value;
    },
    run: (image, extra = {}) => {
      const { context, exits, end } = contextOf(image, extra.node ?? nodes[0]!, extra);
      const process = world.programs.find(image, 'main')!(context);
      return {
        process,
        exits,
        end: () => {
          end();
          process.stopped?.();
        },
      };
    },
    init: (image, container, node) => {
      world.programs.findInit(image, container)!(contextOf(image, node, { container }).context).run();
    },
    attach: (name, node, extra = {}) => {
      const pod: Pod = {
        metadata: { name, namespace: 'default', ...extra },
        spec: { nodeName: node, containers: [], serviceAccountName: 'goldpinger' },
        status: {},
      };
      const made = store.create<Pod>('pods', pod);
      const result = world.cniPlugins.get('calico')!.add(machines.get(node)!, made);
      if ('error' in result) throw new Error(result.error);
      store.update<Pod>('pods', { name, namespace: 'default' }, (draft) => {
        draft.status = { ...draft.status, podIP: result.ip, phase: 'Running' };
      });
      return result.ip;
    },
  };
}
