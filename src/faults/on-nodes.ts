/** Rules that faults put into namespaces of nodes and pods, and how they are taken off again. */
import type { FaultWorld, Heal, HealDoors } from './fault.ts';

/** The rule, its namespace or its node is not there any more, so nothing is left to heal. */
const GONE =
  /does a matching rule exist in that chain|No such file or directory|is not running|is restarting|No such container/;

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
  return async ({ onNode }) => {
    try {
      await onNode(place.node, words('-D'));
    } catch (error) {
      if (!(error instanceof Error && GONE.test(error.message))) throw error;
    }
  };
}

/**
 * Makes the parts of a fault one after the other; when one cannot be made those before it are taken back, so that half a
 * fault never stays behind. @returns how all are healed
 */
export async function allMade(doors: HealDoors, parts: readonly (() => Promise<Heal>)[]): Promise<Heal> {
  const heals: Heal[] = [];
  try {
    for (const make of parts) heals.push(await make());
  } catch (error) {
    // Why it could not be made is what is told; a part that cannot be taken back either has most likely the same cause.
    await allHealed(heals)(doors).catch(() => undefined);
    throw error;
  }
  return allHealed(heals);
}

/** One after the other, the last one first. One that fails keeps none of the others from being healed. */
function allHealed(heals: readonly Heal[]): Heal {
  return async (doors) => {
    let failed: { readonly error: unknown } | undefined;
    for (const heal of [...heals].reverse()) {
      try {
        await heal(doors);
      } catch (error) {
        failed ??= { error };
      }
    }
    if (failed) throw failed.error;
  };
}
