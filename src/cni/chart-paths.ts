/** Which paths the values of a Cilium chart have: Helm takes any other without a word. */
import { nearest } from '../scenario/nearest.ts';
import type { Json, JsonObject } from '../scenario/scenario.ts';
import { readData } from './data.ts';
import { verifiedCiliumVersions } from './images.ts';
import { valueAt } from './merge.ts';

interface ChartPaths {
  readonly values: JsonObject;
  readonly known: ReadonlySet<string>;
}

const cache = new Map<string, ChartPaths>();

/**
 * The user's paths that the chart does not know, sorted, each with the nearest one where one is near. Empty where no chart
 * of this minor is bundled: then nothing is known of it. Patches of a minor share their values.
 */
export function unknownPaths(version: string, values: JsonObject): { path: string; near: string | undefined }[] {
  const chart = chartOf(version);
  if (chart === undefined) return [];
  return leaves(values, chart.values, '')
    .filter((path) => !chart.known.has(path) && !belowFree(path, chart.values))
    .sort()
    .map((path) => ({ path, near: nearest(path, siblings(path, chart.known)) ?? nearest(path, chart.known) }));
}

function chartOf(version: string): ChartPaths | undefined {
  const minor = version.split('.').slice(0, 2).join('.');
  const bundled = verifiedCiliumVersions();
  const exact = bundled.includes(version) ? version : bundled.find((one) => one.startsWith(`${minor}.`));
  if (exact === undefined) return undefined;
  let chart = cache.get(exact);
  if (chart === undefined) {
    const values = JSON.parse(readData(`cilium/${exact}/values.json`) ?? '{}') as JsonObject;
    const schema = readData(`cilium/${exact}/values.schema.json`);
    const known = new Set([
      ...pathsOf(values, ''),
      ...commentedPaths(readData(`cilium/${exact}/values.yaml`) ?? ''),
      ...(schema === undefined ? [] : schemaPaths(JSON.parse(schema) as JsonObject, '')),
    ]);
    chart = { values, known };
    cache.set(exact, chart);
  }
  return chart;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const joined = (prefix: string, key: string): string => (prefix === '' ? key : `${prefix}.${key}`);

function pathsOf(values: JsonObject, prefix: string): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = joined(prefix, key);
    return [path, ...(isObject(value) ? pathsOf(value, path) : [])];
  });
}

function schemaPaths(schema: JsonObject, prefix: string): string[] {
  if (!isObject(schema.properties)) return [];
  return Object.entries(schema.properties).flatMap(([key, inner]) => {
    const path = joined(prefix, key);
    return [path, ...(isObject(inner) ? schemaPaths(inner, path) : [])];
  });
}

/** `# key: value` below its parents' indentation: charts name optional keys so. */
function commentedPaths(yaml: string): string[] {
  const found: string[] = [];
  const parents: { depth: number; key: string }[] = [];
  for (const line of yaml.split('\n')) {
    const [, indent = '', hash = '', key = ''] = /^(\s*)(#\s?)?([A-Za-z0-9]+):(?:\s|$)/.exec(line) ?? [];
    if (key === '') continue;
    while ((parents.at(-1)?.depth ?? -1) >= indent.length) parents.pop();
    if (hash === '') parents.push({ depth: indent.length, key });
    else found.push([...parents.map((parent) => parent.key), key].join('.'));
  }
  return found;
}

/** Paths of the user's values down to where the chart leaves the rest to the user: an empty map, a list, a scalar. */
function leaves(values: JsonObject, chart: Json | undefined, prefix: string): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = joined(prefix, key);
    const under = isObject(chart) ? chart[key] : undefined;
    const open = isObject(under) ? Object.keys(under).length === 0 : under !== undefined;
    return !isObject(value) || Object.keys(value).length === 0 || open ? [path] : leaves(value, under, path);
  });
}

/** Is something above the path an empty map in the chart (`resources: {}`)? What is in it is the user's. */
function belowFree(path: string, chart: JsonObject): boolean {
  const keys = path.split('.');
  return keys.slice(1).some((_, index) => {
    const above = valueAt(chart, keys.slice(0, index + 1).join('.'));
    return isObject(above) && Object.keys(above).length === 0;
  });
}

/** Known paths with the same parent. */
function siblings(path: string, known: ReadonlySet<string>): string[] {
  const parent = path.slice(0, path.lastIndexOf('.') + 1);
  return [...known].filter((other) => other.startsWith(parent) && !other.slice(parent.length).includes('.'));
}
