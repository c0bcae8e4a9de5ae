/**
 * Writes the JSON twins of Cilium's YAML data, which the embedded cluster reads instead: parsing YAML was a tenth of a
 * whole run. `npm run derive-data`; a test holds them equal.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parse } from 'yaml';

const data = new URL('../data/cilium/', import.meta.url);

const write = (path: string, value: unknown): void => {
  writeFileSync(new URL(path, data), gzipSync(JSON.stringify(value), { level: 9 }));
};

for (const version of readdirSync(data).filter((name) => /^\d/.test(name))) {
  const values = gunzipSync(readFileSync(new URL(`${version}/values.yaml.gz`, data))).toString();
  write(`${version}/values.json.gz`, parse(values));
  write(`${version}/Chart.json.gz`, parse(readFileSync(new URL(`${version}/Chart.yaml`, data), 'utf8')));
}
for (const name of readdirSync(new URL('crds/', data)).filter((file) => file.endsWith('.yaml'))) {
  write(`crds/${name.replace('.yaml', '.json.gz')}`, parse(readFileSync(new URL(`crds/${name}`, data), 'utf8')));
}
