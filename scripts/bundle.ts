/**
 * Bundles the action into dist/: `npm run bundle`; `npm run check` holds dist/ against what it would write. The command is
 * bundled likewise when the package is made (scripts/package.ts), and not committed: a runner would load it for nothing.
 *
 * Our code and our dependencies come into files of their own, all in one directory, so that what reads `data/`, `scenarios/`
 * and `package.json` finds them from there as it does from src.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Plugin, rolldown } from 'rolldown';
import { licenceText } from './licences.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const DIST = path.join(ROOT, 'dist');

/** File without `.mjs` → source. Workers are started by the file that stands beside their starter. */
type Entries = Readonly<Record<string, string>>;

export const ACTION: Entries = { main: 'src/action/main.ts', post: 'src/action/post.ts' };

export const COMMAND: Entries = {
  cli: 'src/cli/start.ts',
  ...Object.fromEntries(
    workers().map((file) => [path.basename(file, '.ts'), path.relative(ROOT, file).split(path.sep).join('/')]),
  ),
};

/** Most bytes of our own code, and of all together: what a runner loads before the first step. */
const MOST_OWN = 1_000_000;
const MOST_ALL = 4_000_000;

/** Writes the bundle into a directory, empty or not there. @returns bytes by file @throws Error when it is too large */
export async function bundle(directory: string, entries: Entries = ACTION): Promise<Map<string, number>> {
  const build = await rolldown({
    cwd: ROOT,
    input: { ...entries },
    platform: 'node',
    external: /^node:/,
    // The toolkit only declares; without this its OIDC client, which nobody calls, brings an HTTP client into every start.
    treeshake: { moduleSideEffects: (id) => !id.includes('/node_modules/@actions/') },
    plugins: [besideDist(entries)],
    onLog: (level, log, handler) => {
      // Dependencies' own business; ours fails the build.
      if (level === 'warn' && !(log.id ?? '').includes('node_modules')) throw new Error(log.message);
      handler('debug', log);
    },
  });
  const { output } = await build.generate({
    dir: directory,
    format: 'esm',
    // Names of functions and classes are of no use at run time: errors carry theirs as a property.
    minify: { compress: true, mangle: true, codegen: true },
    comments: { legal: false },
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name].mjs',
    codeSplitting: {
      // A group takes what its modules import along, unless a group of a higher priority has it.
      groups: [
        { name: 'vendor-http', test: /node_modules\/(undici|tunnel)\//, priority: 3 },
        { name: 'vendor', test: /node_modules\/(@actions|semver|yaml|zod)\//, priority: 2 },
        // The client of the API is needed only where there is a real cluster, and is as large as all the rest.
        { name: 'vendor-kubernetes', test: /node_modules/, priority: 1 },
        // What everything rests on: as files of their own they would be mostly imports and exports.
        { name: 'common', test: /src\/(cni|events|host|kube|report|scenario|time)\//, minShareCount: 2, priority: 0 },
      ],
    },
  });
  await build.close();
  mkdirSync(directory, { recursive: true });
  const modules = new Set<string>();
  const sizes = new Map<string, number>();
  for (const file of output) {
    if (file.type !== 'chunk') throw new Error(`${file.fileName} is no code`);
    for (const id of file.moduleIds) modules.add(id);
    writeFileSync(path.join(directory, file.fileName), file.code);
    sizes.set(file.fileName, Buffer.byteLength(file.code));
  }
  writeFileSync(path.join(directory, 'LICENSES.txt'), licenceText(ROOT, modules));
  // The limits are a runner's, which loads the action before the first step; the command comes once, by npm.
  if (entries === ACTION) checkSizes(sizes);
  return sizes;
}

const isVendor = (file: string): boolean => file.startsWith('vendor');

function checkSizes(sizes: ReadonlyMap<string, number>): void {
  const sum = (keep: (file: string) => boolean): number =>
    [...sizes].reduce((bytes, [file, size]) => bytes + (keep(file) ? size : 0), 0);
  const own = sum((file) => !isVendor(file));
  if (own > MOST_OWN) throw new Error(`our own code has ${own} bytes, at most ${MOST_OWN} are meant`);
  const all = sum(() => true);
  if (all > MOST_ALL) throw new Error(`dist has ${all} bytes, at most ${MOST_ALL} are meant`);
}

/** Sources of workers. */
function workers(): string[] {
  const src = path.join(ROOT, 'src');
  return (
    readdirSync(src, { recursive: true, encoding: 'utf8' })
      // Threads of ours are started by `new Worker(new URL(…))`; a pod's worker is none.
      .filter(
        (name) =>
          name.endsWith('-worker.ts') && readFileSync(path.join(src, name), 'utf8').includes("'node:worker_threads'"),
      )
      .map((name) => path.join(src, name))
      .sort()
  );
}

/** Where our sources name a file by its place beside them, the bundle names it by its place beside dist. */
const besideDist = (entries: Entries): Plugin => ({
  name: 'beside-dist',
  transform: (code, id) => {
    if (!id.startsWith(path.join(ROOT, 'src')) || !code.includes('import.meta.')) return null;
    const place = /new URL\('([^']+)', import\.meta\.url\)/g;
    const moved = code.replace(place, (_, to: string) => {
      const target = path
        .relative(ROOT, path.join(path.dirname(id), to))
        .split(path.sep)
        .join('/');
      const worker = Object.entries(entries).find(([, source]) => source === target)?.[0];
      if (worker === undefined && target.startsWith('src/')) {
        throw new Error(`${id}: ${to} is a source, and not one of the bundle's entries`);
      }
      const beside = worker === undefined ? `../${target}${to.endsWith('/') ? '/' : ''}` : `./${worker}.mjs`;
      return `new URL('${beside}', import.meta.url)`;
    });
    // What finds its way up from its own place to package.json does so from dist as well; nothing else is known to.
    const rest = moved.replace(place, '').match(/import\.meta\.\w+/g) ?? [];
    if (rest.some((word) => word !== 'import.meta.url'))
      throw new Error(`${id}: ${rest.join(', ')} means src, not dist`);
    return { code: moved };
  },
});

/** How the directory differs from the bundle; empty: not at all. */
async function differences(directory: string): Promise<string[]> {
  const fresh = mkdtempSync(path.join(tmpdir(), 'bundle-'));
  try {
    await bundle(fresh);
    const files = (from: string): string[] => readdirSync(from, { recursive: true, encoding: 'utf8' }).sort();
    const names = new Set([...files(fresh), ...files(directory)]);
    const text = (from: string, name: string): string | undefined => {
      try {
        return readFileSync(path.join(from, name), 'utf8');
      } catch {
        return undefined;
      }
    };
    return [...names].filter((name) => text(fresh, name) !== text(directory, name));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  if (values.check) {
    const differing = await differences(DIST);
    if (differing.length > 0) {
      console.error(`dist is not what src makes: ${differing.join(', ')} differ; run npm run bundle and commit dist`);
      process.exitCode = 1;
    }
  } else {
    rmSync(DIST, { recursive: true, force: true });
    for (const [file, size] of await bundle(DIST)) console.log(`${String(size).padStart(9)}  ${file}`);
  }
}
