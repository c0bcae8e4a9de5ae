/** Product data (`data/` of the package), read synchronously: a file read must not look like idle time to a virtual clock. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

let root: string | undefined;

/** The package's `data` directory, found upwards from this file: sources and bundle lie at different depths. */
function dataRoot(): string {
  if (root !== undefined) return root;
  let directory = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    if (existsSync(path.join(directory, 'package.json'))) {
      root = path.join(directory, 'data');
      return root;
    }
    const parent = path.dirname(directory);
    if (parent === directory) throw new Error('the package directory was not found');
    directory = parent;
  }
}

/** The text of a data file, unpacked when only `FILE.gz` exists; undefined when neither does. */
export function readData(file: string): string | undefined {
  const plain = path.join(dataRoot(), file);
  if (existsSync(plain)) return readFileSync(plain, 'utf8');
  return existsSync(`${plain}.gz`) ? gunzipSync(readFileSync(`${plain}.gz`)).toString('utf8') : undefined;
}

/** Names in a data directory, sorted; empty when it does not exist. */
export function listData(directory: string): string[] {
  const full = path.join(dataRoot(), directory);
  return existsSync(full) ? readdirSync(full).sort() : [];
}
