/**
 * The install dip: while the agents compile their datapath for the first time, processes of the host starve, and pings time
 * out between all pods, even from a pod to itself (observed on two cores: 52 of some 340 pings, from 16 s to 31 s after the
 * install began, 4 s to 19 s after the agents started).
 */
import { hash32 } from '../../../time/random.ts';
import type { World } from '../../world.ts';
import { ciliumState } from './state.ts';

/** Share of the half seconds of the dip in which a node's processes do not get to run in time. */
const SHARE = 0.09;
const SLOT_MS = 500;

const seen = new WeakMap<World, Set<string>>();

/** Called by every agent that starts; true when it is the first on this node, which compiles from nothing. */
export function noteAgentStart(world: World, node: string): boolean {
  let nodes = seen.get(world);
  if (nodes === undefined) {
    nodes = new Set();
    seen.set(world, nodes);
  }
  if (nodes.has(node)) return false;
  nodes.add(node);
  const state = ciliumState(world);
  if (state.compiling === undefined) {
    const random = world.random('actors/cilium/compile');
    const from = world.time.now() + random.between(3_000, 5_000);
    state.compiling = { from, to: from + random.between(10_000, 17_000) };
  }
  return true;
}

/** Do processes on this node starve at this moment (milliseconds since the epoch)? The same answer for the same seed. */
export function ciliumStarvation(world: World): (node: string, at: number) => boolean {
  return (node, at) => {
    const { compiling } = ciliumState(world);
    if (compiling === undefined || at < compiling.from || at >= compiling.to) return false;
    const slot = Math.floor(at / SLOT_MS);
    return hash32(`${slot}/${node}/${world.config.seed}/starvation`) / 2 ** 32 < SHARE;
  };
}
