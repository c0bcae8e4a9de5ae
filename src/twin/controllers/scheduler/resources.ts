/** What pods ask for and nodes have: the scheduler's NodeResourcesFit. */
import type { Pod } from '../../../kube/objects.ts';
import type { NodeState } from './snapshot.ts';

type Amounts = ReadonlyMap<string, number>;

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity such as `500m`, `16Gi` or `1e3` as a number; 0 for what is none. */
export function quantity(text: string | undefined): number {
  const match = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text ?? '');
  return match === null ? 0 : Number(match[1]) * (SUFFIXES[match[2] ?? ''] ?? 1);
}

const REQUESTS = new WeakMap<object, Amounts>();

/** The larger of what the containers ask for together and what any init container asks for alone; plus the overhead. */
export function requestsOf(pod: Pod): Amounts {
  const { spec } = pod;
  if (spec === undefined) return new Map();
  const known = REQUESTS.get(spec);
  if (known !== undefined) return known;
  const total = new Map<string, number>();
  const add = (into: Map<string, number>, requests: Readonly<Record<string, string>> | undefined): void => {
    for (const [name, text] of Object.entries(requests ?? {})) into.set(name, (into.get(name) ?? 0) + quantity(text));
  };
  for (const container of spec.containers) add(total, container.resources?.requests);
  // Sidecars (init containers that are restarted) run beside everything that comes after them.
  const sidecars = new Map<string, number>();
  let peak = new Map<string, number>();
  for (const container of spec.initContainers ?? []) {
    const alone = new Map(sidecars);
    add(alone, container.resources?.requests);
    peak = larger(peak, alone);
    if (container.restartPolicy === 'Always') add(sidecars, container.resources?.requests);
  }
  for (const [name, amount] of sidecars) total.set(name, (total.get(name) ?? 0) + amount);
  const result = larger(total, peak);
  add(result, spec.overhead);
  REQUESTS.set(spec, result);
  return result;
}

function larger(a: Amounts, b: Amounts): Map<string, number> {
  const result = new Map(a);
  for (const [name, amount] of b) result.set(name, Math.max(result.get(name) ?? 0, amount));
  return result;
}

/** The resources that a node lacks for the pod, and whether it could ever have them were it empty. */
export function lacking(pod: Pod, state: NodeState): { names: string[]; ever: boolean } {
  const names: string[] = [];
  let ever = true;
  for (const [name, asked] of requestsOf(pod)) {
    if (asked === 0) continue;
    const all = quantity(state.node.status?.allocatable?.[name]);
    const used = state.pods.reduce((sum, other) => sum + (requestsOf(other).get(name) ?? 0), 0);
    if (used + asked <= all + 1e-9) continue;
    names.push(name);
    if (asked > all) ever = false;
  }
  return { names, ever };
}
