/**
 * Takes in what was laid below data/cilium: node scripts/derive-data.ts [DATA], by `npm run derive-data`.
 *
 * Of a new version that is the chart's `values.yaml`, `values.schema.json` and `Chart.yaml`: the first two are packed, and the
 * version gets its lines in images.json and versions.json. The JSON twins of all YAML are written too, which the embedded cluster
 * reads instead: parsing YAML was a tenth of a whole run. Tests hold all of it equal.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { type ChartValues, imagesOf, type Versions, withVersion } from './lib/chart-data.ts';

const data = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '../data/cilium'));
const at = (name: string): string => path.join(data, name);
const yamlOf = (name: string): unknown => parse(readFileSync(at(name), 'utf8'));
const jsonOf = (name: string): unknown => JSON.parse(readFileSync(at(name), 'utf8'));

const pack = (name: string, text: string): void => writeFileSync(at(name), gzipSync(text, { level: 9 }));
const write = (name: string, value: object): void => writeFileSync(at(name), JSON.stringify(value, null, 2));

/** A file as it comes from a chart's archive takes its packed form. */
function takeIn(name: string): void {
  if (!existsSync(at(name))) return;
  pack(`${name}.gz`, readFileSync(at(name), 'utf8'));
  rmSync(at(name));
}

let images = jsonOf('images.json') as { readonly images: Readonly<Record<string, object>> };
let versions = jsonOf('versions.json') as Versions;
for (const version of readdirSync(data).filter((name) => /^\d/.test(name))) {
  for (const name of ['values.yaml', 'values.schema.json']) takeIn(`${version}/${name}`);
  const values = parse(gunzipSync(readFileSync(at(`${version}/values.yaml.gz`))).toString()) as ChartValues;
  pack(`${version}/values.json.gz`, JSON.stringify(values));
  pack(`${version}/Chart.json.gz`, JSON.stringify(yamlOf(`${version}/Chart.yaml`)));
  images = { ...images, images: { ...images.images, [version]: imagesOf(values) } };
  versions = withVersion(versions, version);
}
write('images.json', images);
write('versions.json', versions);
for (const name of readdirSync(at('crds')).filter((file) => file.endsWith('.yaml'))) {
  pack(`crds/${name.replace('.yaml', '.json.gz')}`, JSON.stringify(yamlOf(`crds/${name}`)));
}
