/** The rules of the house that a compiler cannot see. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const SRC = path.resolve(import.meta.dirname, '../src');
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.split(path.sep).join('/'))
  .sort();
const source = new Map(files.map((name) => [name, readFileSync(path.join(SRC, name), 'utf8')]));

/** Files of src that a file imports, relative to src. */
function importsOf(name: string): string[] {
  return [...source.get(name)!.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map(([, target]) =>
    path.posix.normalize(path.posix.join(path.posix.dirname(name), target!)),
  );
}

const folderOf = (name: string): string => name.split('/')[0]!;

/**
 * Which folder may know which; DESIGN's arrows, one way. What is not named here is a new arrow and wants a reason in
 * docs/architecture.md.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  action: ['session', 'rehearsal', 'evidence', 'report', 'provider', 'kube', 'host', 'events', 'scenario', 'time'],
  cli: [
    'session',
    'matrix',
    'compare',
    'history',
    'rehearsal',
    'preflight',
    'faults',
    'report',
    'provider',
    'scenario',
    'events',
    'time',
  ],
  session: ['rehearsal', 'faults', 'evidence', 'report', 'provider', 'scenario', 'events', 'time'],
  provider: ['twin', 'cni', 'faults', 'kube', 'host', 'events', 'scenario', 'time'],
  rehearsal: [
    'preflight',
    'faults',
    'evidence',
    'probe',
    'cni',
    'kube',
    'host',
    'events',
    'scenario',
    'time',
    'provider',
  ],
  preflight: ['cni', 'kube', 'events', 'scenario', 'time'],
  faults: ['cni', 'kube', 'host', 'events', 'scenario', 'time'],
  evidence: ['probe', 'cni', 'kube', 'host', 'events', 'scenario', 'time'],
  probe: ['kube', 'host', 'events', 'scenario', 'time'],
  cni: ['kube', 'events', 'scenario', 'time'],
  matrix: ['compare', 'report', 'cni', 'events', 'scenario', 'time'],
  compare: ['report', 'events', 'time'],
  nightly: ['history', 'compare', 'matrix', 'report', 'time'],
  history: ['compare', 'report'],
  report: ['events', 'scenario', 'time'],
  kube: ['time'],
  events: ['scenario'],
  host: ['time'],
  scenario: ['time'],
  time: [],
  twin: ['kube', 'host', 'scenario', 'time'],
};

describe('arrows point one way', () => {
  test.each(Object.keys(MAY_IMPORT))('%s', (folder) => {
    const arrows = files
      .filter((name) => folderOf(name) === folder)
      .flatMap((name) => importsOf(name).map((target) => `${name} → ${target}`))
      .filter((arrow) => {
        const to = folderOf(arrow.split(' → ')[1]!);
        return to !== folder && !MAY_IMPORT[folder]!.includes(to);
      });
    expect(arrows).toEqual([]);
  });

  test('every folder is in the table', () => {
    expect([...new Set(files.map(folderOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  test('the rehearsal knows providers only by their interface, and only provider/twin knows the twin', () => {
    const arrows = files.flatMap((name) => importsOf(name).map((target) => ({ name, target })));
    expect(
      arrows.filter(
        ({ name, target }) =>
          folderOf(name) === 'rehearsal' &&
          folderOf(target) === 'provider' &&
          !['provider/provider.ts', 'provider/machine.ts'].includes(target),
      ),
    ).toEqual([]);
    expect(
      arrows.filter(
        ({ name, target }) =>
          folderOf(target) === 'twin' && folderOf(name) !== 'twin' && !name.startsWith('provider/twin'),
      ),
    ).toEqual([]);
  });

  test('the twin takes only wire types from kube: a shared table would share its mistakes', () => {
    const taken = files
      .filter((name) => folderOf(name) === 'twin')
      .flatMap((name) => importsOf(name).filter((target) => folderOf(target) === 'kube'));
    expect([...new Set(taken)].sort().filter((name) => !/^kube\/(objects|transport|api)\.ts$/.test(name))).toEqual([]);
  });
});

/** Without comments and strings that only talk about such things. */
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

const FORBIDDEN =
  /\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now|Math\.random|crypto\.randomUUID|randomUUID|process\.nextTick|AbortSignal\.timeout)\b|\bnew Date\(\s*\)|timers\/promises/;

test('time and randomness come from src/time', () => {
  const found = files.filter((name) => folderOf(name) !== 'time' && FORBIDDEN.test(code(source.get(name)!)));
  expect(found).toEqual([]);
});

test('the heart and the twin touch no process and no socket of their own', () => {
  const adapters = new Set(['twin/api/http-server.ts', 'twin/published-ports.ts', 'kube/http-transport.ts']);
  const found = files.filter(
    (name) =>
      ['rehearsal', 'evidence', 'probe', 'cni', 'kube', 'twin', 'events', 'report'].includes(folderOf(name)) &&
      !adapters.has(name) &&
      /from 'node:(child_process|http|https|net|worker_threads|cluster)'|from 'undici'|(await|return|=) fetch\(/.test(
        // Whether a text is an address is asked of nobody.
        code(source.get(name)!).replace(/^import \{[ ,]*(?:isIP(?:v[46])?[ ,]*)+\} from 'node:net';$/gm, ''),
      ),
  );
  expect(found).toEqual([]);
});

test('a file tells one story: none has more than 400 lines', () => {
  const long = files.filter((name) => source.get(name)!.split('\n').length > 401);
  expect(long).toEqual([]);
});

test('the forbidden words are found where they are', () => {
  expect(FORBIDDEN.test('const t = Date.now();')).toBe(true);
  expect(FORBIDDEN.test('new Date()')).toBe(true);
  expect(FORBIDDEN.test('new Date(clock.now())')).toBe(false);
});
