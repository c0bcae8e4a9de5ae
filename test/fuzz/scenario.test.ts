/** Whatever a scenario file holds: a scenario that keeps the schema's promises, or problems with their places. Nothing else. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { resolvedScenario } from '../../src/events/scenario-schema.ts';
import { ScenarioError } from '../../src/scenario/problem.ts';
import { readScenario } from '../../src/scenario/read.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { scenarioSchema } from '../../src/scenario/schema.ts';
import { ONE_LINE, runs } from './runs.ts';

const directory = mkdtempSync(join(tmpdir(), 'fuzz-scenario-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, 'fuzz.yaml');

const PROTOTYPE_KEYS = [Object.prototype, Array.prototype].map((prototype) => Reflect.ownKeys(prototype).length);
afterEach(() => {
  expect([Object.prototype, Array.prototype].map((prototype) => Reflect.ownKeys(prototype).length)).toEqual(
    PROTOTYPE_KEYS,
  );
});

type Overrides = readonly { readonly path: string; readonly value: string }[];

/** The scenario, or undefined when it was refused as it should be. */
function attempt(content: string | Uint8Array, overrides: Overrides = []): Scenario | undefined {
  writeFileSync(file, content);
  try {
    return promised(readScenario(file, 'fuzz.yaml', overrides));
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    expect(error.message.split('\n')).toHaveLength(error.problems.length);
    for (const problem of error.problems) {
      expect(problem.where).toMatch(/^(fuzz\.yaml|--set )/);
      expect(problem.message).toMatch(ONE_LINE);
      expect(`${problem.where}${problem.path}`).toMatch(ONE_LINE);
      expect(problem.line === null).toBe(problem.column === null);
    }
    return undefined;
  }
}

/** What is written down of it can be read again, and is the same. */
function promised(scenario: Scenario): Scenario {
  expect(resolvedScenario.safeParse(scenario).error).toBeUndefined();
  const written = asWritten(scenario);
  expect(scenarioSchema.safeParse(written).error).toBeUndefined();
  writeFileSync(join(directory, 'again.json'), JSON.stringify(written));
  expect(readScenario(join(directory, 'again.json'), 'again.json')).toEqual(scenario);
  return scenario;
}

/** A resolved scenario as a file: `null` is left out there, and workloads are given by their files. */
function asWritten(scenario: Scenario): Record<string, unknown> {
  const withoutNull = (value: object): Record<string, unknown> =>
    Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  return {
    ...scenario,
    kubernetes: withoutNull(scenario.kubernetes),
    cilium: withoutNull(scenario.cilium),
    probes: withoutNull(scenario.probes),
    workloads: scenario.workloads.map(({ file: workload }) => workload),
  };
}

/** Every known path, from the published schema. */
const PATHS = pathsOf(z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, []);

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
}

function pathsOf({ properties = {}, anyOf = [] }: JsonSchema, above: readonly string[]): string[][] {
  return [
    ...Object.entries(properties).flatMap(([key, below]) => [[...above, key], ...pathsOf(below, [...above, key])]),
    ...anyOf.flatMap((shape) => pathsOf(shape, above)),
  ];
}

const DURATIONS = ['0s', '1s', '5m', '168h', '169h', '0.5s', '999999999999h', '-1s', '5', '1e3s'];
const CIDRS = [
  '10.0.0.0/8',
  '10.0.0.0/16',
  '10.1.0.0/16',
  '172.18.0.0/16',
  '192.168.0.0/24',
  '10.0.0.1/8',
  '0.0.0.0/0',
  '::/0',
];
const WORDS = [
  'twin',
  'kind',
  'lab',
  'name',
  'random',
  'keep',
  'unlimited',
  'vxlan',
  '1.19',
  '1.19.6',
  'v1.34',
  'a b',
  '',
  '\u001b[31m\n',
];

const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    ...DURATIONS,
    ...CIDRS,
    ...WORDS,
    0,
    1,
    3,
    24,
    10_000,
    -1,
    1e9,
    1.5,
    true,
    false,
    null,
    [],
    {},
  ),
  fc.integer(),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(...CIDRS).map((cidr) => [cidr, '10.0.0.0/8']),
  fc.jsonValue({ maxDepth: 2 }),
);
const key = fc.oneof(
  fc.constantFrom('constructor', '__proto__', 'toString', 'x', 'workers', '0', '<<', ' '),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const path = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...PATHS), key).map(([known, more]) => [...known, more]) },
  { weight: 1, arbitrary: fc.array(key, { minLength: 1, maxLength: 4 }) },
);

function put(value: Record<string, unknown>, keys: readonly string[], leafValue: unknown): void {
  let at = value;
  for (const name of keys.slice(0, -1)) {
    const below = Object.hasOwn(at, name) ? at[name] : undefined;
    const next = typeof below === 'object' && below !== null ? (below as Record<string, unknown>) : {};
    Object.defineProperty(at, name, { value: next, enumerable: true, writable: true, configurable: true });
    at = next;
  }
  Object.defineProperty(at, keys.at(-1)!, { value: leafValue, enumerable: true, writable: true, configurable: true });
}

test('any values at any paths', () => {
  let read = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(path, leaf), { maxLength: 4 }), (changes) => {
      const value: Record<string, unknown> = { schemaVersion: 1, name: 'fuzz' };
      for (const [keys, leafValue] of changes) put(value, keys, leafValue);
      if (attempt(stringify(value)) !== undefined) read++;
    }),
    runs(400),
  );
  // A fuzz whose every attempt is refused at the door would look at nothing behind it.
  expect(read).toBeGreaterThan(20);
});

test('any --set', () => {
  const dotted = path.map((keys) => keys.join('.'));
  const value = fc.oneof(
    leaf.map((leafValue) => JSON.stringify(leafValue)),
    fc.string({ maxLength: 20 }),
    fc.constantFrom('*a', '&a [*a]', '.nan', '!x y', '- a\n---\nb'),
  );
  fc.assert(
    fc.property(
      fc.array(fc.record({ path: fc.oneof(dotted, fc.string()), value }), { minLength: 1, maxLength: 3 }),
      (overrides) => {
        attempt('schemaVersion: 1\nname: fuzz\ncluster: {workers: 2}\nproviders: [twin]\n', overrides);
      },
    ),
    runs(300),
  );
});

const yamlPieces = [
  '\n',
  '  ',
  '- ',
  ': ',
  '? ',
  '&a ',
  '*a',
  '<<: ',
  '!!binary ',
  '!x ',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '|\n',
  '>-\n',
  '#',
  '---\n',
  '...\n',
  '%YAML 1.1\n',
  '\t',
  '\r',
  ',',
  '.nan',
  '~',
  'schemaVersion: 1\nname: fuzz\n',
  'calico: {felix: ',
  'cluster:\n',
  '__proto__',
  '\u0000',
  '\u001b',
  '\ufeff',
  '\ud800',
  'é',
];

test('any text and any bytes', () => {
  const text = fc
    .array(fc.oneof(fc.constantFrom(...yamlPieces), fc.string({ maxLength: 4 })), { maxLength: 25 })
    .map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        text.map((after) => `schemaVersion: 1\nname: fuzz\n${after}`),
        fc.uint8Array({ maxLength: 60 }),
      ),
      (content) => {
        attempt(content);
      },
    ),
    runs(500),
  );
});

test.each<[string, string]>([
  ['a mapping that holds itself', 'calico:\n  felix: &a\n    b: *a\n'],
  [
    'aliases that explode',
    `calico:\n  felix:\n    a: &a [1,1,1,1,1,1,1,1,1]\n${Array.from('bcdefgh', (name, index) => `    ${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}]\n`).join('')}`,
  ],
  ['ten thousand levels', `calico: {felix: {a: ${'['.repeat(10_000)}${']'.repeat(10_000)}}}\n`],
  [
    'ten thousand levels of blocks, as far as a file goes',
    `calico:\n  felix:\n${Array.from({ length: 1_300 }, (_, depth) => `${' '.repeat(depth + 4)}a:\n`).join('')}`,
  ],
  [
    'levels behind a chain of aliases',
    `calico:\n  felix:\n    a0: &a0 [1]\n${Array.from({ length: 2_000 }, (_, index) => `    a${index + 1}: &a${index + 1} [*a${index}]\n`).join('')}`,
  ],
  ['sixty thousand keys', Array.from({ length: 60_000 }, (_, index) => `key${index}: ${index}\n`).join('')],
  ['thirty thousand mistakes of YAML', ']'.repeat(30_000)],
  ['thirty thousand keys that stand twice', `{${'a: 1, '.repeat(30_000)}}`],
  [
    'ten thousand nodes that are not there',
    `cluster: {workers: 10000}\nmigration: {order: [${Array.from({ length: 10_000 }, (_, index) => `kind-wurker${index}`).join(',')}]}\n`,
  ],
  ['a merge of something that is no mapping', 'cluster: {<<: [10.0.0.0/8]}\n'],
  ['a merge of nothing', '<<: '],
  ['a key of half a megabyte', `${'k'.repeat(500_000)}: 1\n`],
])('%s: refused, and soon', (_what, content) => {
  expect(attempt(`schemaVersion: 1\nname: fuzz\n${content}`)).toBeUndefined();
});
