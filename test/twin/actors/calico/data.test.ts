import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { calicoCrds, calicoReleases } from '../../../../src/twin/actors/calico/data.ts';

const DATA = new URL('../../../../data/calico/', import.meta.url);
const text = (path: string): string => gunzipSync(readFileSync(new URL(path, DATA))).toString('utf8');

describe.each(calicoReleases())('data of $calico', ({ calico, operator, images }) => {
  const files = readdirSync(new URL(`${calico}/`, DATA));

  test.each(files.filter((name) => name.endsWith('.yaml.gz')))('%s and its JSON say the same', (name) => {
    const documents = parseAllDocuments(text(`${calico}/${name}`)).map((document) => document.toJSON() as unknown);
    expect(JSON.parse(text(`${calico}/${name.replace('.yaml.gz', '.json.gz')}`))).toEqual(
      documents.filter((one) => one !== null),
    );
  });

  test('the manifest names the operator of the release, and the images its version', () => {
    const manifest = files.includes('tigera-operator.yaml.gz')
      ? text(`${calico}/tigera-operator.yaml.gz`)
      : readFileSync(new URL(`${calico}/tigera-operator.yaml`, DATA), 'utf8');
    expect(manifest).toContain(`image: quay.io/tigera/operator:${operator}`);
    for (const image of images) expect(image).toMatch(image.includes('tigera') ? `:${operator}` : `:${calico}`);
  });

  test('CRDs of both groups', () => {
    const names = [...calicoCrds(calico).keys()];
    for (const name of [
      'installations.operator.tigera.io',
      'tigerastatuses.operator.tigera.io',
      'ippools.crd.projectcalico.org',
      'ipamblocks.crd.projectcalico.org',
    ]) {
      expect(names).toContain(name);
    }
  });
});
