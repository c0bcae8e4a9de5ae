/** A fault as it is listed, for people and for programs. */
import type { ClusterNode } from '../cni/kind-config.ts';
import { FAULT_KEYS, type Fault, type FaultArgument, type FaultKey } from './fault.ts';
import { argumentsOf } from './parse.ts';

export interface FaultRow {
  readonly name: string;
  /** `pair-drop:from=NODE,to=NODE[,mode=packets|new-connections][,for=DURATION]` */
  readonly usage: string;
  readonly summary: string;
  readonly arguments: readonly ({ readonly key: FaultKey } & Omit<FaultArgument, 'fallback'>)[];
  /** `scenario`, or the step or checkpoint. */
  readonly starts: string;
  readonly providers: readonly string[];
  readonly refusedBy: string | null;
  /** How it must end, by argument where that decides; with the rule allowed. */
  readonly ends: readonly { readonly when: string; readonly end: string }[];
  readonly mechanism: string;
  readonly source: string;
}

/** Nodes that stand for any others, so that `starts` can be told of any scenario. */
const ANY: readonly ClusterNode[] = [
  { name: 'NODE', role: 'worker' },
  { name: 'NODE', role: 'control-plane' },
];

const WORD: Readonly<Partial<Record<FaultKey, string>>> = {
  node: 'NODE',
  from: 'NODE',
  to: 'NODE',
  for: 'DURATION',
  at: 'STEP',
};

export function faultRow(fault: Fault): FaultRow {
  const taken = Object.entries(argumentsOf(fault)) as [FaultKey, FaultArgument][];
  const entries = taken.sort(([a], [b]) => FAULT_KEYS.indexOf(a) - FAULT_KEYS.indexOf(b));
  return {
    name: fault.name,
    usage: usageOf(fault.name, entries),
    summary: fault.summary,
    arguments: entries.map(([key, { fallback: _fallback, ...argument }]) => ({ key, ...argument })),
    starts: fault.starts?.({ node: 'NODE', from: 'NODE', to: 'NODE' }, ANY) ?? 'scenario',
    providers: fault.providers,
    refusedBy: fault.refusedBy,
    ends: endsOf(fault),
    mechanism: fault.mechanism,
    source: fault.source,
  };
}

/** The ends of a fault, each with the argument that it holds for; empty: it holds for all. */
export function endsOf({ ends }: Pick<Fault, 'ends'>): FaultRow['ends'] {
  if (typeof ends === 'string') return [{ when: '', end: ends }];
  return Object.entries(ends).map(([when, end]) => ({ when, end }));
}

function usageOf(name: string, entries: readonly [FaultKey, FaultArgument][]): string {
  const told = ([key, { values }]: [FaultKey, FaultArgument]): string =>
    `${key}=${values?.join('|') ?? WORD[key] ?? 'VALUE'}`;
  const needed = entries.filter(([, { required }]) => required).map(told);
  const optional = entries.filter(([, { required }]) => !required).map((entry) => `,${told(entry)}`);
  const all = `${needed.join(',')}${optional.map((text) => `[${text}]`).join('')}`;
  if (all === '') return name;
  return needed.length > 0
    ? `${name}:${all}`
    : `${name}[:${told(entries.find(([, { required }]) => !required)!)}]${optional
        .slice(1)
        .map((text) => `[${text}]`)
        .join('')}`;
}
