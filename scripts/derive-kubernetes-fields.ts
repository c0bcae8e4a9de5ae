/**
 * Writes data/kubernetes-fields.json.gz: the fields of Kubernetes' built-in kinds with their types, as the generated models
 * of @kubernetes/client-node have them. The embedded API server checks bodies with it; importing the client itself takes
 * longer than a tenth of a whole run. A test holds both equal.
 */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { kubernetesFields } from './kubernetes-fields.ts';

writeFileSync(
  new URL('../data/kubernetes-fields.json.gz', import.meta.url),
  gzipSync(JSON.stringify(await kubernetesFields()), { level: 9 }),
);
