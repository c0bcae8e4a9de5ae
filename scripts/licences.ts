/** The licences of what is bundled from node_modules, in one text. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * @param modules absolute paths of all bundled modules
 * @throws Error when a package says nothing of its licence
 */
export function licenceText(root: string, modules: Iterable<string>): string {
  const packages = new Map<string, string>();
  for (const id of modules) {
    const parts = id.split('/node_modules/');
    if (parts.length < 2) continue;
    const inside = parts.at(-1)!;
    const name = inside
      .split('/')
      .slice(0, inside.startsWith('@') ? 2 : 1)
      .join('/');
    const directory = `${parts.slice(0, -1).join('/node_modules/')}/node_modules/${name}`;
    const { version, license } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as Manifest;
    const file = readdirSync(directory).find((entry) => /^(licen[cs]e|copying)(\.|$)/i.test(entry));
    if (license === undefined && file === undefined) throw new Error(`${name} ${version} says nothing of its licence`);
    const text =
      file === undefined ? '' : readFileSync(path.join(directory, file), 'utf8').replaceAll('\r\n', '\n').trim();
    packages.set(`${name} ${version}`, `${name} ${version}${license ? ` (${license})` : ''}\n\n${text}`.trim());
  }
  const sorted = [...packages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  const head = `The bundle in this directory holds code of these packages beside our own (${readFileSync(path.join(root, 'LICENSE'), 'utf8').trim().split('\n')[0]?.trim()}, see ../LICENSE).`;
  return `${[head, ...sorted].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
