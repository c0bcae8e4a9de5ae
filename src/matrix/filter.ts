/** `--include` and `--exclude`: which combinations become jobs. */
import { nearest } from '../scenario/nearest.ts';
import { AXES } from './job.ts';
import type { Support } from './support.ts';

const KEYS = [...AXES, 'support'] as const;
type Key = (typeof KEYS)[number];

export interface Cell {
  readonly scenario: string;
  readonly cilium: string;
  readonly calico: string;
  readonly kubernetes: string;
  readonly support: Support;
}

/** `cilium=1.15,scenario=ha`: all of them must hold. */
export interface Filter {
  readonly text: string;
  readonly terms: readonly { readonly key: Key; readonly value: string }[];
}

export class FilterError extends Error {
  override readonly name = 'FilterError';
}

/** @throws FilterError */
export function parseFilter(flag: string, text: string): Filter {
  const terms = text.split(',').map((part) => {
    const at = part.indexOf('=');
    const [word, value] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    if (at <= 0 || value === '') {
      throw new FilterError(`${flag} ${text}: KEY=VALUE is wanted, such as cilium=1.19; keys: ${KEYS.join(', ')}`);
    }
    const key = KEYS.find((known) => known === word);
    if (key === undefined) {
      const like = nearest(word, KEYS);
      throw new FilterError(
        `${flag} ${text}: there is no key ${word}${like === undefined ? '' : `; did you mean ${like}?`} (keys: ${KEYS.join(', ')})`,
      );
    }
    return { key, value };
  });
  return { text, terms };
}

/** A version is matched by itself or by its minor. */
export function matches(filter: Filter, cell: Cell): boolean {
  return filter.terms.every(({ key, value }) => {
    const wanted = value.replace(/^v(?=\d)/, '');
    const seen = cell[key];
    return seen === wanted || seen === value || (/^\d+\.\d+$/.test(wanted) && seen.startsWith(`${wanted}.`));
  });
}

/**
 * Why a combination is left out; undefined: it stays. Filters of `--include` with the same keys are alternatives, those with
 * other keys must hold too. Untested combinations stay only when an `--include` names `support`.
 */
export function leftOut(
  cell: Cell,
  { include, exclude }: { readonly include: readonly Filter[]; readonly exclude: readonly Filter[] },
): string | undefined {
  const out = exclude.find((filter) => matches(filter, cell));
  if (out !== undefined) return `--exclude ${out.text}`;
  const byKeys = new Map<string, Filter[]>();
  for (const filter of include) {
    const keys = filter.terms
      .map(({ key }) => key)
      .sort()
      .join();
    byKeys.set(keys, [...(byKeys.get(keys) ?? []), filter]);
  }
  for (const filters of byKeys.values()) {
    if (!filters.some((filter) => matches(filter, cell))) {
      return `not in --include ${filters.map(({ text }) => text).join(' or ')}`;
    }
  }
  return undefined;
}

export const asksForSupport = (include: readonly Filter[]): boolean =>
  include.some(({ terms }) => terms.some(({ key }) => key === 'support'));
