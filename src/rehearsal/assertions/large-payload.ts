/** Bodies of many full packets arrive between the CNIs: a wrong MTU lets pings pass and stalls everything else. */
import type { Cni } from '../../events/events.ts';
import type { Instance } from '../../probe/instances.ts';
import { PAYLOAD_BYTES } from '../../probe/payload.ts';
import { bounded } from '../bounded.ts';
import { type Assertion, judged, type Problem, unknown } from './assertion.ts';

const ID = 'large-payload';
const EXPECTED = `a body of over ${PAYLOAD_BYTES / 1000} kB arrives whole between nodes, in both directions of each pair of CNIs`;
const TIMEOUT_MS = 10_000;
const PARALLEL = 4;

export interface Transfer {
  readonly from: Instance;
  readonly to: Instance;
}

/**
 * A transfer in each direction of each pair of CNIs present, between different nodes; an end on the node in hand where it has
 * one of that CNI, because that is what the step changed.
 */
export function transfersOf(instances: readonly Instance[], node: string | null): Transfer[] {
  const usable = instances.filter(({ ip, ready }) => ip !== '' && ready);
  const preferred = [...usable].sort((a, b) => Number(b.node === node) - Number(a.node === node));
  const cnis = [...new Set(usable.map(({ cni }) => cni))].sort();
  const transfers: Transfer[] = [];
  const add = (fromCni: Cni, toCni: Cni): void => {
    for (const from of preferred) {
      if (from.cni !== fromCni) continue;
      const to = preferred.find((each) => each.cni === toCni && each.node !== from.node);
      if (!to) continue;
      transfers.push({ from, to });
      return;
    }
  };
  for (const from of cnis) for (const to of cnis) add(from, to);
  // A pair of one CNI has two directions as well.
  return transfers.flatMap(({ from, to }) =>
    from.cni === to.cni
      ? [
          { from, to },
          { from: to, to: from },
        ]
      : [{ from, to }],
  );
}

export const largePayload: Assertion = async ({ observer, payload }, checkpoint, { signal }) => {
  const transfers = transfersOf(observer.instances('nodepinger'), checkpoint.node);
  if (transfers.length === 0) {
    return unknown(ID, EXPECTED, [{ subject: 'nodepinger', text: 'no two Ready pods on different nodes' }]);
  }
  const results = await bounded(transfers, PARALLEL, async ({ from, to }) => {
    const result = await payload.fetch(from, to, { timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) });
    return { from, to, result };
  });
  const problems: Problem[] = [];
  const open: Problem[] = [];
  for (const { from, to, result } of results) {
    if (result.ok) continue;
    const text = `${from.cni} → ${to.cni} on ${to.node}: ${result.error}`;
    const notTried = /^no (ready sandbox|process)/.test(result.error);
    (notTried ? open : problems).push({ subject: from.node, text });
  }
  if (problems.length === 0 && open.length > 0) return unknown(ID, EXPECTED, open);
  const kinds = transfers.map(({ from, to }) => `${from.cni} → ${to.cni}`).join(', ');
  return judged(ID, EXPECTED, problems, kinds);
};
