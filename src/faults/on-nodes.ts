/** Rules that faults put into namespaces of nodes and pods, and how they are taken off again. */
import type { FaultWorld, Heal } from './fault.ts';

/** The rule, its namespace or its node is not there any more, so nothing is left to heal. */
const GONE = /does a matching rule exist in that chain|No such file or directory|is not running|No such container/;

/** Where a rule goes: on a node, or with `inside` in front (`nsenter …`) in a namespace of it. */
export interface RulePlace {
  readonly node: string;
  readonly program: 'iptables' | 'ip6tables';
  readonly inside?: readonly string[];
}

/** Puts the rule first in chain INPUT. @returns how it is taken off again */
export async function insertRule(world: FaultWorld, place: RulePlace, rule: readonly string[]): Promise<Heal> {
  const words = (verb: string): string[] => [...(place.inside ?? []), place.program, '--wait', verb, 'INPUT', ...rule];
  await world.onNode(place.node, words('-I'));
  return async () => {
    try {
      await world.onNode(place.node, words('-D'));
    } catch (error) {
      if (!(error instanceof Error && GONE.test(error.message))) throw error;
    }
  };
}

/** One after the other, the last one first. */
export function allHealed(heals: readonly Heal[]): Heal {
  return async () => {
    for (const heal of [...heals].reverse()) await heal();
  };
}
