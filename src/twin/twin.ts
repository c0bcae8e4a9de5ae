/** Puts the embedded cluster together: time, objects, network, controllers, actors, machines, commands. */
import type { Host } from '../host/host.ts';
import { type Random, randomStream } from '../time/random.ts';
import { VirtualClock } from '../time/virtual-clock.ts';
import { registerCalico } from './actors/calico/index.ts';
import { ciliumStarvation, registerCilium } from './actors/cilium/index.ts';
import { registerCoreDns } from './actors/coredns.ts';
import { registerGoldpinger } from './actors/goldpinger/goldpinger.ts';
import { registerLocalPathProvisioner } from './actors/local-path-provisioner.ts';
import { type ApiServer, createApiServer } from './api/server.ts';
import { createObjectStore, type Store } from './api/store.ts';
import type { TwinCommand } from './commands/command.ts';
import { dockerCommand } from './commands/docker.ts';
import { helmCommand } from './commands/helm.ts';
import { createHost } from './commands/host.ts';
import { kindCommand } from './commands/kind.ts';
import { startControllers } from './controllers/index.ts';
import { createNetwork } from './network/simulated-network.ts';
import { ApiHealth } from './node/api-health.ts';
import { OutsideWay } from './node/api-outside.ts';
import { proxyFromApiServer } from './node/api-proxy.ts';
import { apiAdmission } from './node/api-reach.ts';
import { Cluster } from './node/cluster.ts';
import { registerControlPlane } from './node/control-plane.ts';
import { registerKubeProxy } from './node/kube-proxy.ts';
import type { TwinMachine } from './node/machine.ts';
import { PodRegistry } from './node/pod-registry.ts';
import { createProgramCatalogue } from './node/programs.ts';
import { enforceNetworkPolicies } from './policies.ts';
import type { Machine, SimulatedTime, World, WorldConfig } from './world.ts';

export interface TwinWorld {
  readonly world: World;
  readonly store: Store;
  readonly cluster: Cluster;
  readonly server: ApiServer;
}

/** A world without machines: everything that does not depend on how time is driven. */
export function createWorld(time: SimulatedTime, config: WorldConfig): TwinWorld {
  const streams = new Map<string, Random>();
  const random = (consumer: string): Random => {
    const known = streams.get(consumer);
    if (known !== undefined) return known;
    const stream = randomStream(config.seed, consumer);
    streams.set(consumer, stream);
    return stream;
  };
  const store = createObjectStore({
    time,
    random: random('store'),
    serviceSubnet: config.serviceSubnet,
    kubernetesVersion: config.kubernetesVersion,
  });
  const pods = new PodRegistry();
  // The world and the API's health know each other: what is asked before the world is there, nobody can answer.
  const admits: { ask: (node: string) => boolean } = { ask: () => true };
  const api = new ApiHealth(time, (node) => admits.ask(node));
  const machines = new Map<string, Machine>();
  const world: World = {
    time,
    random,
    store,
    network: createNetwork({ now: () => time.now() }),
    programs: createProgramCatalogue(),
    cniPlugins: new Map(),
    machines,
    apiAvailable: () => api.available(),
    process: (podUid, container) => pods.process(podUid, container),
    pullImage: (machine, image) => (machine as TwinMachine).images.pull(image),
    config,
  };
  admits.ask = apiAdmission(world);
  const cluster = new Cluster(world, api, pods);
  const outside = new OutsideWay(
    world,
    api,
    () => cluster.loadBalancer?.address,
    () => server.dropConnections(),
  );
  const server: ApiServer = createApiServer({
    store,
    kubernetesVersion: config.kubernetesVersion,
    proxy: proxyFromApiServer(world, api, pods),
    available: () => outside.open(),
  });
  api.onDown(() => server.dropConnections());
  enforceNetworkPolicies(world);
  startControllers(world);
  registerControlPlane(world, api);
  registerKubeProxy(world, config.podSubnet);
  registerCoreDns(world);
  registerLocalPathProvisioner(world);
  registerCalico(world);
  registerCilium(world);
  registerGoldpinger(world, { starvation: ciliumStarvation(world) });
  return { world, store, cluster, server };
}

/** The moment at which every twin's time begins, unless told otherwise. */
export const EPOCH = Date.parse('2026-01-01T00:00:00Z');

export interface TwinConfig extends WorldConfig {
  /** Milliseconds since the Unix epoch at which virtual time starts. */
  readonly epoch?: number;
  /** See VirtualClock; off only in the conformance test. */
  readonly batch?: boolean;
  /** Helm installs although the chart knows values that the twin does not model. */
  readonly allowNotModelled?: boolean;
}

/** An embedded cluster with its clock, its commands and its API server; there is no machine before `kind create cluster`. */
export interface Twin extends TwinWorld {
  readonly clock: VirtualClock;
  readonly host: Host;
  /** Paths to which `kind create cluster` has written a kubeconfig; nothing is on disk. */
  readonly kubeconfigs: ReadonlySet<string>;
}

export function createTwin({ epoch = EPOCH, batch = true, allowNotModelled = false, ...config }: TwinConfig): Twin {
  const clock = new VirtualClock({ epoch, batch });
  const parts = createWorld(clock, config);
  const { world, cluster } = parts;
  const kubeconfigs = new Set<string>();
  const sleep = (ms: number, signal: AbortSignal): Promise<void> => clock.sleep(ms, signal);
  const commands = new Map<string, TwinCommand>([
    [
      'kind',
      kindCommand({
        cluster,
        sleep,
        kubeconfig: (path, written) => void (written ? kubeconfigs.add(path) : kubeconfigs.delete(path)),
      }),
    ],
    ['docker', dockerCommand({ cluster, sleep })],
    ['helm', helmCommand(world, { sleep, allowNotModelled, apiAnswers: () => parts.server.available() })],
  ]);
  return { ...parts, clock, host: createHost({ clock, commands }), kubeconfigs };
}
