/** What the Cilium actors of one world share: per node the agent's memory, and the identities of label sets. */
import type { Random } from '../../../time/random.ts';
import type { World } from '../../world.ts';
import type { AgentConfig } from './config.ts';

/** One node as its agent (running or not) left it. */
export interface CiliumNodeState {
  readonly node: string;
  /** Addresses, device names and ids of this node's endpoints are drawn from it. */
  readonly random: Random;
  /** The agent's socket answers: CNI ADD and DEL work. */
  serving: boolean;
  /** The datapath was set up without error at least once since the agent started. */
  datapathReady: boolean;
  /** What the agent warns of, again and again, while it cannot set up its datapath. */
  warning: string | undefined;
  /** Configuration of the running agent. */
  config: AgentConfig | undefined;
  routerIp: string | undefined;
  healthIp: string | undefined;
  podCidrs: string[];
  /** MTU of the devices, and of routes to other nodes; bytes. */
  mtu: { device: number; route: number };
}

export interface CiliumState {
  /** Of the host's kernel, which all kind nodes share; no restart of a container changes it (recorded). */
  readonly bootId: string;
  readonly nodes: Map<string, CiliumNodeState>;
  /** Merged configuration by pod uid: written by the init container `config`, read by the agent for the life of the pod. */
  readonly mergedConfig: Map<string, ReadonlyMap<string, string>>;
  /** Names of CiliumIdentities by label set. */
  readonly identities: Map<string, number>;
  /** Endpoint ids in use, by pod uid. */
  readonly endpointIds: Map<string, number>;
  /** When the agents compile their datapath for the first time; milliseconds since the epoch. */
  compiling: { from: number; to: number } | undefined;
  /** Pod uid of the leading operator, and when an unreleased lease ends. */
  leader: { podUid: string; expires: number } | undefined;
}

const states = new WeakMap<World, CiliumState>();

export function ciliumState(world: World): CiliumState {
  let state = states.get(world);
  if (state === undefined) {
    state = {
      bootId: drawBootId(world.random('actors/cilium/boot-id')),
      nodes: new Map(),
      mergedConfig: new Map(),
      identities: new Map(),
      endpointIds: new Map(),
      compiling: undefined,
      leader: undefined,
    };
    states.set(world, state);
  }
  return state;
}

export function nodeState(world: World, node: string): CiliumNodeState {
  const { nodes } = ciliumState(world);
  let state = nodes.get(node);
  if (state === undefined) {
    state = {
      node,
      random: world.random(`actors/cilium/endpoints/${node}`),
      serving: false,
      datapathReady: false,
      warning: undefined,
      config: undefined,
      routerIp: undefined,
      healthIp: undefined,
      podCidrs: [],
      mtu: { device: 1500, route: 1450 },
    };
    nodes.set(node, state);
  }
  return state;
}

function drawBootId(random: Random): string {
  return [8, 4, 4, 4, 12]
    .map((length) => Array.from({ length }, () => random.integer(0, 15).toString(16)).join(''))
    .join('-');
}
