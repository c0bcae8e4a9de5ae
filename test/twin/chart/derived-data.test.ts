import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type ChartValues, imagesOf, type Versions, withVersion } from '../../../scripts/lib/chart-data.ts';
import { imageExists } from '../../../src/twin/images.ts';

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

test.each(versions)('images.json says of %s what its values say', (version) => {
  const values = parse(text(`${version}/values.yaml.gz`)) as ChartValues;
  const { images } = JSON.parse(text('images.json')) as { images: Record<string, object> };
  expect(images[version]).toEqual(imagesOf(values));
});

test.each(versions)('the images that %s starts exist on the twin', (version) => {
  const { images } = JSON.parse(text('images.json')) as { images: Record<string, Record<string, { ref: string }>> };
  for (const name of ['agent', 'operatorGeneric', 'envoy']) {
    const { ref } = images[version]![name]!;
    expect(imageExists(ref), ref).toBe(true);
    expect(imageExists(`${ref}-lost`), ref).toBe(false);
  }
});

test('every version of which there is data is among the known ones', () => {
  const known = JSON.parse(text('versions.json')) as Versions;
  for (const version of versions) expect(withVersion(known, version)).toEqual(known);
});

describe('a version that is added', () => {
  const known: Versions = {
    latestStable: '1.20.0',
    latestPatch: { '1.19': '1.19.6', '1.20': '1.20.0' },
    releases: { '1.19': ['1.19.5', '1.19.6'], '1.20': ['1.20.0'] },
    preReleases: { '1.21': ['1.21.0-pre.0'] },
  };

  test.each<[string, Partial<Versions>]>([
    [
      '1.19.10',
      {
        latestPatch: { '1.19': '1.19.10', '1.20': '1.20.0' },
        releases: { '1.19': ['1.19.5', '1.19.6', '1.19.10'], '1.20': ['1.20.0'] },
      },
    ],
    ['1.19.4', { releases: { '1.19': ['1.19.4', '1.19.5', '1.19.6'], '1.20': ['1.20.0'] } }],
    [
      '1.21.0',
      {
        latestStable: '1.21.0',
        latestPatch: { '1.19': '1.19.6', '1.20': '1.20.0', '1.21': '1.21.0' },
        releases: { ...known.releases, '1.21': ['1.21.0'] },
      },
    ],
    ['1.21.0-rc.0', { preReleases: { '1.21': ['1.21.0-pre.0', '1.21.0-rc.0'] } }],
  ])('%s takes its place', (version, changed) => {
    expect(withVersion(known, version)).toEqual({ ...known, ...changed });
  });

  test('comes with the files of its chart as they are, and npm run derive-data does the rest', () => {
    const copy = mkdtempSync(path.join(tmpdir(), 'derive-data-'));
    try {
      cpSync(fileURLToPath(data), copy, { recursive: true });
      const at = (...parts: string[]): string => path.join(copy, ...parts);
      const before = readFileSync(at('images.json'), 'utf8');
      const derive = () =>
        spawnSync(process.execPath, [path.resolve(import.meta.dirname, '../../../scripts/derive-data.ts'), copy]);
      expect(derive().status).toBe(0);
      expect(readFileSync(at('images.json'), 'utf8')).toBe(before);
      expect(readFileSync(at('versions.json'), 'utf8')).toBe(text('versions.json'));
      cpSync(at('1.19.6'), at('1.19.99'), { recursive: true });
      for (const name of readdirSync(at('1.19.99'))) if (name !== 'Chart.yaml') rmSync(at('1.19.99', name));
      writeFileSync(at('1.19.99/values.yaml'), text('1.19.6/values.yaml.gz').replaceAll('v1.19.6', 'v1.19.99'));
      writeFileSync(at('1.19.99/values.schema.json'), text('1.19.6/values.schema.json.gz'));
      expect(derive().status).toBe(0);
      expect(readdirSync(at('1.19.99')).sort()).toEqual(readdirSync(at('1.19.6')).sort());
      expect(existsSync(at('1.19.99/values.yaml'))).toBe(false);
      expect(readFileSync(at('images.json'), 'utf8')).toContain('quay.io/cilium/operator-generic:v1.19.99');
      expect((JSON.parse(readFileSync(at('versions.json'), 'utf8')) as Versions).latestPatch['1.19']).toBe('1.19.99');
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
