/**
 * Writes data/protobuf/messages.json.gz: node scripts/derive-protobuf.ts DIRECTORY, where kubernetes/api, apimachinery,
 * apiextensions-apiserver and kube-aggregator lie side by side under these names, all at the tag in data/protobuf/README.md.
 *
 * The embedded API server reads with it what kubectl sends in protobuf. The versions are those that it serves,
 * and those that their messages and reviews need.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Package, protobufMessages } from './protobuf-messages.ts';

const API = [
  'core/v1',
  'apps/v1',
  'batch/v1',
  'autoscaling/v1',
  'autoscaling/v2',
  'policy/v1',
  'networking/v1',
  'coordination/v1',
];
const MORE = [
  'discovery/v1',
  'events/v1',
  'rbac/v1',
  'storage/v1',
  'resource/v1',
  'scheduling/v1',
  'node/v1',
  'certificates/v1',
];
const REVIEWS = ['admissionregistration/v1', 'authorization/v1', 'authentication/v1'];

/** Folders below DIRECTORY. */
const FOLDERS = [
  ...[...API, ...MORE, ...REVIEWS].map((folder) => `api/${folder}`),
  'apimachinery/pkg/apis/meta/v1',
  'apimachinery/pkg/api/resource',
  'apimachinery/pkg/util/intstr',
  'apimachinery/pkg/runtime',
  'apiextensions-apiserver/pkg/apis/apiextensions/v1',
  'kube-aggregator/pkg/apis/apiregistration/v1',
];

function packageIn(directory: string): Package {
  const go = readdirSync(directory)
    .filter((name) => name.endsWith('.go') && !/^(zz_)?generated|_test\.go$/.test(name))
    .map((name) => readFileSync(path.join(directory, name), 'utf8'));
  const group = /^const GroupName = "(.*)"$/m.exec(go.join('\n'))?.[1];
  // What belongs to no group (quantities, the envelope) goes by the name of its folder.
  const version = path.basename(directory);
  return {
    apiVersion: group === undefined || group === '' ? version : `${group}/${version}`,
    proto: readFileSync(path.join(directory, 'generated.proto'), 'utf8'),
    go,
  };
}

const [root] = process.argv.slice(2);
if (root === undefined || !existsSync(path.join(root, FOLDERS[0]!))) {
  console.error(
    'usage: node scripts/derive-protobuf.ts DIRECTORY (with kubernetes/api and the others in it; see data/protobuf/README.md)',
  );
  process.exit(2);
}
const messages = protobufMessages(FOLDERS.map((folder) => packageIn(path.join(root, folder))));
writeFileSync(
  new URL('../data/protobuf/messages.json.gz', import.meta.url),
  gzipSync(JSON.stringify(messages), { level: 9 }),
);
console.log(`${Object.keys(messages).length} messages`);
