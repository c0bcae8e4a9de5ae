import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const data = new URL('../../../data/cilium/', import.meta.url);
const text = (path: string): string => {
  const bytes = readFileSync(new URL(path, data));
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
};
const versions = readdirSync(data).filter((name) => /^\d/.test(name));

describe('the JSON that is read says what the YAML of the release says', () => {
  test.each([
    ...versions.flatMap((version) => [
      [`${version}/values.yaml.gz`, `${version}/values.json.gz`],
      [`${version}/Chart.yaml`, `${version}/Chart.json.gz`],
    ]),
    ...readdirSync(new URL('crds/', data))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => [`crds/${name}`, `crds/${name.replace('.yaml', '.json.gz')}`]),
  ])('%s = %s', (yaml, json) => {
    expect(JSON.parse(text(json!))).toEqual(parse(text(yaml!)));
  });
});
