/** Sorts a user's Helm values into what the twin models, what changes nothing, what it lacks, and what no chart knows. */
import type { Json, JsonObject } from '../../scenario/scenario.ts';
import { type Chart, loadChart } from './data.ts';
import { isObject, sameJson, valueAt } from './merge.ts';
import { irrelevantPaths, MODELLED, type ModelledValue } from './value-tables.ts';

/** Paths are dotted and sorted. */
export interface ValueClasses {
  readonly modelled: string[];
  readonly irrelevant: string[];
  readonly notModelled: string[];
  /** What the chart's values, comments and schema do not know, with the nearest path that they do. */
  readonly unknown: { path: string; nearest: string }[];
}

const knownPaths = new Map<string, ReadonlySet<string>>();

/** Keys in values.yaml that are commented out (`# ipv4NativeRoutingCIDR: ""`) belong to the chart as well. */
function commentedPaths(text: string): string[] {
  const found: string[] = [];
  const parents: { indent: number; key: string }[] = [];
  for (const line of text.split('\n')) {
    const commented = /^(\s*)#\s?([A-Za-z0-9]+):(\s|$)/.exec(line);
    const plain = /^(\s*)([A-Za-z0-9]+):(\s|$)/.exec(line);
    const match = plain ?? commented;
    if (match === null) continue;
    const indent = match[1]!.length;
    while (parents.length > 0 && parents.at(-1)!.indent >= indent) parents.pop();
    if (plain === null) found.push([...parents.map((parent) => parent.key), match[2]!].join('.'));
    else parents.push({ indent, key: match[2]! });
  }
  return found;
}

function collectValues(values: JsonObject, prefix: string, into: Set<string>): void {
  for (const key of Object.keys(values)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    into.add(path);
    const value = values[key];
    if (isObject(value)) collectValues(value, path, into);
  }
}

function collectSchema(schema: JsonObject, prefix: string, into: Set<string>): void {
  const properties = schema.properties;
  if (!isObject(properties)) return;
  for (const key of Object.keys(properties)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    into.add(path);
    const property = properties[key];
    if (isObject(property)) collectSchema(property, path, into);
  }
}

function pathsOf(chart: Chart): ReadonlySet<string> {
  let known = knownPaths.get(chart.version);
  if (known === undefined) {
    const all = new Set<string>();
    collectValues(chart.values, '', all);
    for (const path of commentedPaths(chart.valuesText)) all.add(path);
    if (chart.schema !== undefined) collectSchema(chart.schema, '', all);
    known = all;
    knownPaths.set(chart.version, known);
  }
  return known;
}

/** Does the pattern cover the path or something above it? */
function covers(pattern: string, path: string): boolean {
  const wanted = pattern.split('.');
  const keys = path.split('.');
  return wanted.length <= keys.length && wanted.every((part, i) => part === '*' || part === keys[i]);
}

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    previous = row;
  }
  return previous[b.length]!;
}

function nearest(path: string, known: ReadonlySet<string>): string {
  const lower = path.toLowerCase();
  let best = '';
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of [...known].sort()) {
    if (Math.abs(candidate.length - path.length) >= bestDistance) continue;
    const d = distance(lower, candidate.toLowerCase());
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best;
}

/** Leaves of the user's values: no object below them, or an empty one, or one that the chart leaves free (`{}`, a list). */
function leaves(values: JsonObject, chart: Json | undefined, prefix: string): { path: string; value: Json }[] {
  return Object.keys(values)
    .sort()
    .flatMap((key) => {
      const path = prefix === '' ? key : `${prefix}.${key}`;
      const value = values[key] as Json;
      const under = isObject(chart) ? chart[key] : undefined;
      const free = isObject(under) ? Object.keys(under).length === 0 : chart !== undefined && under !== undefined;
      if (!isObject(value) || Object.keys(value).length === 0 || free) return [{ path, value }];
      return leaves(value, under, path);
    });
}

function modelledEntry(path: string): ModelledValue | undefined {
  return MODELLED.find((entry) => covers(entry.path, path));
}

/** @throws Error when the twin has no chart of this version. */
export function classifyValues(version: string, values: JsonObject): ValueClasses {
  const chart = loadChart(version);
  if (chart === undefined) throw new Error(`no chart data for Cilium ${version}`);
  const known = pathsOf(chart);
  const classes: ValueClasses = { modelled: [], irrelevant: [], notModelled: [], unknown: [] };
  for (const { path, value } of leaves(values, chart.values, '')) {
    const entry = modelledEntry(path);
    if (!known.has(path) && !(entry !== undefined && known.has(entry.path)) && !belowFree(path, chart.values))
      classes.unknown.push({ path, nearest: nearest(path, known) });
    else if (entry !== undefined && (entry.accepts?.(value) ?? true)) classes.modelled.push(path);
    else if (irrelevantPaths().some((pattern) => covers(pattern, path))) classes.irrelevant.push(path);
    // A value that only repeats the chart's default changes nothing, modelled or not.
    else if (sameJson(valueAt(chart.values, path), value)) classes.irrelevant.push(path);
    else classes.notModelled.push(path);
  }
  return classes;
}

/** Is there a parent that the chart leaves open (`resources: {}`)? Then every key below it is the user's own. */
function belowFree(path: string, chart: JsonObject): boolean {
  const keys = path.split('.');
  for (let i = 1; i < keys.length; i++) {
    const parent = valueAt(chart, keys.slice(0, i).join('.'));
    if (isObject(parent) && Object.keys(parent).length === 0) return true;
  }
  return false;
}
