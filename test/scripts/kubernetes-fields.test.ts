/** The fields of built-in kinds are those of the client library that the project uses. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { kubernetesFields } from '../../scripts/kubernetes-fields.ts';

test('data/kubernetes-fields.json.gz is derived from the models of @kubernetes/client-node', async () => {
  const file = gunzipSync(readFileSync(new URL('../../data/kubernetes-fields.json.gz', import.meta.url)));
  expect(JSON.parse(file.toString())).toEqual(await kubernetesFields());
});
