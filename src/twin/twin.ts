/** Puts the embedded cluster together: time, objects, network, controllers, actors, machines, commands. */
import { type Random, randomStream } from '../time/random.ts';
import { registerCalico } from './actors/calico/index.ts';
import { ciliumStarvation, registerCilium } from './actors/cilium/index.ts';
import { registerCoreDns } from './actors/coredns.ts';
import { registerGoldpinger } from './actors/goldpinger/goldpinger.ts';
import { registerLocalPathProvisioner } from './actors/local-path-provisioner.ts';
import { createObjectStore, type Store } from './api/store.ts';
import { startControllers } from './controllers/index.ts';
import { createNetwork } from './network/simulated-network.ts';
import { ApiHealth } from './node/api-health.ts';
import { Cluster } from './node/cluster.ts';
import { registerControlPlane } from './node/control-plane.ts';
import { registerKubeProxy } from './node/kube-proxy.ts';
import type { TwinMachine } from './node/machine.ts';
import { PodRegistry } from './node/pod-registry.ts';
import { createProgramCatalogue } from './node/programs.ts';
import type { Machine, SimulatedTime, World, WorldConfig } from './world.ts';

export interface TwinWorld {
  readonly world: World;
  readonly store: Store;
  readonly cluster: Cluster;
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
  const store = createObjectStore({ time, random: random('store'), serviceSubnet: config.serviceSubnet });
  const api = new ApiHealth(time);
  const pods = new PodRegistry();
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
  const cluster = new Cluster(world, api, pods);
  startControllers(world);
  registerControlPlane(world, api);
  registerKubeProxy(world, config.podSubnet);
  registerCoreDns(world);
  registerLocalPathProvisioner(world);
  registerCalico(world);
  registerCilium(world);
  registerGoldpinger(world, { starvation: ciliumStarvation(world) });
  return { world, store, cluster };
}
