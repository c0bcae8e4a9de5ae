/**
 * The npm package: node scripts/package.ts [DIRECTORY], which gets cni-rehearsal-VERSION.tgz (default: here).
 *
 * It is packed from a directory of its own, because package.json of a clone says how to set up, check and build, and brings Node.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { $ } from 'zx';
import { bundle, COMMAND } from './bundle.ts';
import { script } from './lib/environment.ts';
import { type Manifest, PACKAGED, packagedManifest } from './lib/package.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

await script(async () => {
  const destination = path.resolve(process.argv[2] ?? '.');
  const stage = mkdtempSync(path.join(tmpdir(), 'package-'));
  try {
    for (const name of PACKAGED) cpSync(path.join(ROOT, name), path.join(stage, name), { recursive: true });
    await bundle(path.join(stage, 'dist'), COMMAND);
    const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
    writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(packagedManifest(manifest), null, 2)}\n`);
    const packed = await $({ cwd: stage, quiet: true })`npm pack --silent --pack-destination ${destination}`;
    process.stdout.write(`${path.join(destination, packed.stdout.trim())}\n`);
    return 0;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
});
