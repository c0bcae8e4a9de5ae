/**
 * The charts that the twin has: values, schemas and image references of released Cilium charts, unmodified
 * (data/cilium/README.md), and the list of all versions that helm.cilium.io has ever served.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { JsonObject } from '../../scenario/scenario.ts';

const DATA = new URL('../../../data/cilium/', import.meta.url);

/** A chart archive as far as the twin needs it. */
export interface Chart {
  readonly version: string;
  /** Minor of Cilium: 19 for 1.19.6. */
  readonly minor: number;
  /** From the JSON twin of values.yaml (scripts/derive-data.ts). */
  readonly values: JsonObject;
  /** The lines of values.yaml, comments included: a key that is commented out is known to the chart too. */
  readonly valuesText: string;
  /** draft-07; from 1.16 on. */
  readonly schema: JsonObject | undefined;
  readonly metadata: JsonObject;
}

interface VersionIndex {
  readonly releases: Record<string, string[]>;
  readonly preReleases?: Record<string, string[]>;
}

const charts = new Map<string, Chart>();
let versionIndex: VersionIndex | undefined;

function readText(path: string): string | undefined {
  const plain = new URL(path, DATA);
  if (existsSync(plain)) return readFileSync(plain, 'utf8');
  const zipped = new URL(`${path}.gz`, DATA);
  return existsSync(zipped) ? gunzipSync(readFileSync(zipped)).toString('utf8') : undefined;
}

/** A file below data/cilium, unzipped. @throws Error when it does not exist. */
export function ciliumData(path: string): string {
  const text = readText(path);
  if (text === undefined) throw new Error(`data/cilium/${path} is missing`);
  return text;
}

/** Minor of a Cilium version: 19 for `1.19.6`. */
export function ciliumMinor(version: string): number {
  return Number(version.split('.')[1] ?? '0');
}

function index(): VersionIndex {
  versionIndex ??= JSON.parse(ciliumData('versions.json')) as VersionIndex;
  return versionIndex;
}

/** Does helm.cilium.io (as of the bundled index) serve this exact chart version? */
export function isReleased(version: string): boolean {
  const known = index();
  return [known.releases, known.preReleases ?? {}].some((byMinor) =>
    Object.keys(byMinor).some((minor) => byMinor[minor]?.includes(version)),
  );
}

type CiliumImages = Readonly<Record<string, { readonly envoy: { readonly ref: string } }>>;

let images: CiliumImages | undefined;

/** The images that the values of each known version name. */
export function ciliumImages(): CiliumImages {
  images ??= (JSON.parse(ciliumData('images.json')) as { images: CiliumImages }).images;
  return images;
}

/** Versions whose values the twin has, oldest first. */
export function bundledVersions(): string[] {
  return Object.keys(ciliumImages())
    .filter((version) => readText(`${version}/values.yaml`) !== undefined)
    .sort((a, b) => ciliumMinor(a) - ciliumMinor(b));
}

/** The chart of a version, or undefined when the twin has no data for it. */
export function loadChart(version: string): Chart | undefined {
  const loaded = charts.get(version);
  if (loaded !== undefined) return loaded;
  if (!/^\d+\.\d+\.\d+$/.test(version)) return undefined;
  const valuesText = readText(`${version}/values.yaml`);
  if (valuesText === undefined) return undefined;
  const schema = readText(`${version}/values.schema.json`);
  const chart: Chart = {
    version,
    minor: ciliumMinor(version),
    values: JSON.parse(ciliumData(`${version}/values.json`)) as JsonObject,
    valuesText,
    schema: schema === undefined ? undefined : (JSON.parse(schema) as JsonObject),
    metadata: JSON.parse(ciliumData(`${version}/Chart.json`)) as JsonObject,
  };
  charts.set(version, chart);
  return chart;
}
