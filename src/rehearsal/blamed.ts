/** What a failure speaks of, from the events of the run: nodes and pods to look at first. Pure. */
import type { EventBody } from '../events/events.ts';
import type { Blamed } from '../evidence/gather.ts';
import type { RehearsalFailure } from './outcome.ts';

type Checkpoint = Extract<EventBody, { type: 'checkpoint' }>;
type Assertion = Extract<EventBody, { type: 'assertion' }>;

/** Pairs of a red checkpoint that are enough to know whom to ask. */
const MOST_PAIRS = 50;
/** Causes that lie in a node itself. */
const OF_NODES = new Set(['node-not-ready', 'control-plane-lost', 'provision-failed', 'node-container-gone']);

/** Takes the events as they come and keeps what was red last. */
export class BlameRecord {
  #checkpoint: Checkpoint | null = null;
  #assertions: Assertion[] = [];
  #step: { readonly step: string; readonly node: string | null } | null = null;
  readonly #nodeOfStep = new Map<string, string | null>();

  note(event: EventBody): void {
    if (event.type === 'step-started') this.#nodeOfStep.set(event.step, event.node);
    if (event.type === 'step-ended' && event.outcome !== 'passed') {
      this.#step ??= { step: event.step, node: this.#nodeOfStep.get(event.step) ?? null };
    }
    if (event.type === 'assertion') {
      if (this.#assertions[0]?.checkpoint !== event.checkpoint) this.#assertions = [];
      if (event.outcome !== 'passed') this.#assertions.push(event);
    }
    if (event.type === 'checkpoint' && event.outcome === 'failed') this.#checkpoint = event;
  }

  /** @param nodes names of all nodes of the plan */
  blamed({ message, reason }: RehearsalFailure, nodes: readonly string[]): Blamed {
    const failing = this.#checkpoint?.failing.slice(0, MOST_PAIRS) ?? [];
    const texts = [
      message,
      ...this.#assertions.flatMap(({ subjects, seen }) => [...subjects, seen]),
      ...failing.flatMap(({ from, to }) => [`${from.pod} ${from.node}`, `${to.pod} ${to.node}`]),
    ];
    // kind-worker is no part of kind-worker2.
    const words = new Set(
      texts
        .join(' ')
        .split(/[^A-Za-z0-9.-]+/)
        .map((word) => word.replace(/[.-]+$/, '')),
    );
    const own = [this.#step?.node, this.#checkpoint?.node].filter((node) => node !== null && node !== undefined);
    return {
      nodes: [...new Set([...own, ...nodes.filter((node) => words.has(node))])],
      text: texts.join('\n'),
      nodeFailed: OF_NODES.has(reason),
    };
  }
}
