/**
 * cilium-agent: takes the CNI directory over if it is told to, registers its CiliumNode, waits for a pod CIDR, builds the
 * datapath, and only then serves the CNI plugin. Times are those of a two-core kind host (observed; upper bounds).
 */
import type { Cancel, ContainerContext, Process } from '../../world.ts';
import { claimOwnAddresses, ensureCiliumNode } from './cilium-node.ts';
import { manageCniDirectory, uninstallCni } from './cni-file.ts';
import { type AgentConfig, mergedConfig, minorOfImage, readAgentConfig } from './config.ts';
import {
  changesTunnels,
  ensureDevices,
  findMtu,
  syncDatapath,
  syncEndpointMtu,
  syncRules,
  tunnelMap,
} from './datapath.ts';
import { removeStaleEndpoints } from './endpoints.ts';
import { HEALTH_PORT, healthAnswer, renewHealthEndpoint } from './health.ts';
import { CILIUM_NODES, type CiliumNode } from './objects.ts';
import { noteAgentStart } from './starvation.ts';
import { ciliumState, nodeState } from './state.ts';

/** How often the agent tries again what failed (recorded: `retryDelay=10s`). */
const RETRY_MS = 10_000;
/** The agent looks for new devices and MTUs; the twin's agent once a minute. */
const DEVICE_CHECK_MS = 60_000;

/** The program of image `cilium/cilium`, container `cilium-agent`. */
export function agentProgram(context: ContainerContext): Process {
  const { world, machine, random } = context;
  const state = nodeState(world, machine.name);
  const minor = minorOfImage(context);
  const first = noteAgentStart(world, machine.name);
  const cleanup: Cancel[] = [];
  let healthy = false;
  let responding = false;
  let cniFileFailed = false;
  const process: Process = {
    get ports() {
      return responding ? [HEALTH_PORT] : [];
    },
    http: healthAnswer,
    // From 1.16 on a CNI file that could not be written fails /healthz (cilium 77b1e6cdaa, issue 29405).
    probe: () => healthy && !(cniFileFailed && minor >= 16),
    terminate: () => {
      if (state.config !== undefined) uninstallCni(machine.files, state.config);
      return Math.round(random.between(150, 400));
    },
    stopped: () => {
      for (const cancel of cleanup) cancel();
      responding = false;
      state.serving = false;
      state.datapathReady = false;
    },
  };
  state.serving = false;
  state.datapathReady = false;
  state.warning = undefined;

  let config: AgentConfig;
  try {
    const built = ciliumState(world).mergedConfig.get(context.podUid);
    config = readAgentConfig(built ?? mergedConfig(world, machine.name, context.namespace));
  } catch (error) {
    const message = (error as Error).message;
    context.after(800, () => context.exit(1, `level=fatal msg="${message}"`));
    return process;
  }
  state.config = config;

  const between = (min: number, max: number): number => Math.round(random.between(min, max));

  const register = (): void => {
    if (!world.apiAvailable() || !world.store.has(CILIUM_NODES) || !ensureCiliumNode(world, machine, config))
      context.after(500, register);
    else awaitPodCidr();
  };

  const awaitPodCidr = (): void => {
    const own = world.apiAvailable() ? world.store.get<CiliumNode>(CILIUM_NODES, machine.name) : undefined;
    if ((own?.spec.ipam.podCIDRs ?? []).length === 0) {
      context.after(500, awaitPodCidr);
      return;
    }
    const network = world.network.node(machine.name)!;
    const taken = new Set(network.pods().map((pod) => pod.ip));
    claimOwnAddresses(world, state, config, random, taken);
    // The first compilation of the programs takes longer: nothing is cached yet.
    context.after(first ? between(1400, 2600) : between(500, 1000), buildDatapath);
    context.after(first ? between(2400, 3400) : between(900, 1600), () => {
      healthy = true;
    });
  };

  const buildDatapath = (): void => {
    const network = world.network.node(machine.name)!;
    const error = ensureDevices(network, state, config, minor);
    if (!responding && config.healthChecking) {
      renewHealthEndpoint(network, state);
      responding = true;
    }
    if (error !== undefined) {
      // No crash and no failing probe: the agent warns and tries again, for ever (observed).
      state.warning = `Failed to initialize datapath, retrying later error="${error}" retryDelay=10s`;
      context.after(RETRY_MS, buildDatapath);
      return;
    }
    state.warning = undefined;
    state.datapathReady = true;
    syncRules(network, state, config);
    if (!sync()) return;
    state.serving = true;
    removeStaleEndpoints(world, machine.name, machine.address);
    followNodes();
    context.after(DEVICE_CHECK_MS, checkDevices);
  };

  /** False when the API is away: what is in the kernel stays until the next event. */
  const sync = (): boolean => {
    if (!world.apiAvailable()) {
      context.after(1000, () => {
        if (sync() && !state.serving) buildDatapath();
      });
      return false;
    }
    syncDatapath(world.network.node(machine.name)!, state, config, tunnelMap(world, machine.name));
    return true;
  };

  const followNodes = (): void => {
    let pending = false;
    cleanup.push(
      world.store.onChange<CiliumNode>(CILIUM_NODES, (event) => {
        if (pending || event.object.metadata.name === machine.name) return;
        if (!changesTunnels(event.type === 'DELETED' ? undefined : event.object, event.previous)) return;
        pending = true;
        // Many nodes that arrive together are taken in one go, or their number would count squared.
        context.after(Math.max(200, 5 * world.machines.size), () => {
          pending = false;
          sync();
        });
      }),
    );
  };

  const checkDevices = (): void => {
    context.after(DEVICE_CHECK_MS, checkDevices);
    const network = world.network.node(machine.name)!;
    const mtu = findMtu(network, config, minor);
    if (minor < 17 || mtu.device === state.mtu.device) return;
    if (ensureDevices(network, state, config, minor) !== undefined) return;
    syncEndpointMtu(network, state.mtu.device);
    sync();
  };

  if (config.cni.writeWhenReady !== '')
    context.after(between(200, 500), () => {
      const told = (written: boolean): void => {
        cniFileFailed = !written;
      };
      cleanup.push(manageCniDirectory(context, config, minor, told));
    });
  context.after(between(1500, 2300), register);
  return process;
}
