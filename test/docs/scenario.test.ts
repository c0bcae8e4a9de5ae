/** docs/scenario.md holds every key of the schema, with its type and the default that a scenario is filled in with. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readScenario } from '../../src/scenario/read.ts';
import { scenarioSchema } from '../../src/scenario/schema.ts';
import { type Component, nodeImage, resolveVersion } from '../../src/scenario/versions.ts';

interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

interface Row {
  readonly key: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
}

const PAGE = readFileSync(new URL('../../docs/scenario.md', import.meta.url), 'utf8');
const KEYS = keysOf(z.toJSONSchema(scenarioSchema) as JsonSchema, '');

/** Keys that hold a value: a mapping of known keys stands only for what is below it, unless it may be something else. */
function keysOf(schema: JsonSchema, prefix: string): Map<string, JsonSchema> {
  const keys = new Map<string, JsonSchema>();
  for (const [name, below] of Object.entries(schema.properties ?? {})) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    const shapes = [below, ...(below.anyOf ?? [])].filter(({ properties }) => properties !== undefined);
    if (below.properties === undefined) keys.set(key, below);
    for (const shape of shapes) for (const [path, found] of keysOf(shape, key)) keys.set(path, found);
  }
  return keys;
}

/** The rows of the tables whose first column is `key`. */
function rowsOf(page: string): Row[] {
  const rows: Row[] = [];
  let inTable = false;
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) inTable = false;
    else if (line.startsWith('| key |')) inTable = true;
    else if (inTable && !line.startsWith('| ---')) {
      const [key = '', type = '', fallback = '', meaning = '', ...more] = line.slice(2, -2).split(' | ');
      expect(more, line).toEqual([]);
      rows.push({ key: key.replaceAll('`', ''), type, fallback, meaning });
    }
  }
  return rows;
}

const ROWS = rowsOf(PAGE);

/** Words that the type column must hold: the values of an enum, the ends of a range. */
function wordsOf(schema: JsonSchema): string[] {
  if (schema.const !== undefined) return [`\`${String(schema.const)}\``];
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``);
  if (schema.minimum !== undefined) return [`${schema.minimum} to ${schema.maximum}`];
  if (schema.items) return ['list of', ...wordsOf(schema.items)];
  if (schema.type === 'boolean') return ['`true`', '`false`'];
  return (schema.anyOf ?? []).flatMap(wordsOf);
}

function valueAt(value: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined | null)?.[name], value);
}

/** Defaults that are told in words. */
const IN_WORDS: Readonly<Record<string, (resolved: unknown) => unknown>> = {
  'kubernetes.image': (resolved) => nodeImage(String(valueAt(resolved, 'kubernetes.version'))),
};

describe('docs/scenario.md', () => {
  let directory: string;
  const scenario = (text: string): unknown => {
    const file = path.join(directory, 'shortest.yaml');
    writeFileSync(file, text);
    return readScenario(file, 'shortest.yaml');
  };
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'docs-scenario-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('documents each key of the schema once, and no other', () => {
    expect(ROWS.map(({ key }) => key).sort()).toEqual([...KEYS.keys()].sort());
  });

  it.each(ROWS)('$key: the type names what the schema accepts, and the meaning is there', ({ key, type, meaning }) => {
    for (const word of wordsOf(KEYS.get(key)!)) expect(type).toContain(word);
    expect(meaning).toMatch(/\.$/);
  });

  it.each(ROWS.filter(({ key }) => key !== 'schemaVersion' && key !== 'name'))(
    '$key: the default is that of a file with two lines',
    (row) => {
      const { key, fallback } = row;
      const switchedOn = key.startsWith('finish.connectivityTest.');
      const resolved = scenario(`schemaVersion: 1\nname: x\n${switchedOn ? 'finish: { connectivityTest: {} }\n' : ''}`);
      const value = valueAt(resolved, key);
      const words = IN_WORDS[key];
      if (words) {
        expect(fallback).not.toContain('`');
        expect(value).toBe(words(resolved));
        return;
      }
      expect(fallback, 'one value in code').toMatch(/^`[^`]+`$/);
      const text = fallback.slice(1, -1);
      if (text.includes('.') && KEYS.has(text)) expect(value).toEqual(valueAt(resolved, text));
      else if (key.endsWith('.version')) {
        expect({ version: value }).toEqual(resolveVersion(key.split('.')[0] as Component, String(parse(text))));
      } else expect(value).toEqual(parse(text));
    },
  );

  it('says that schemaVersion and name are required', () => {
    expect(ROWS.filter(({ fallback }) => fallback === 'required').map(({ key }) => key)).toEqual([
      'schemaVersion',
      'name',
    ]);
    expect(() => scenario('name: nothing-else\n')).toThrow('schemaVersion is missing');
  });

  it('quotes messages as they are', () => {
    const quoted = [...PAGE.matchAll(/^rehearse: (bad\.yaml:.*)$/gm)].map((match) => match[1]!);
    expect(quoted.length).toBeGreaterThan(0);
    const file = path.join(directory, 'bad.yaml');
    writeFileSync(file, 'schemaVersion: 1\nname: bad\ncilium:\n  tunelPort: 8473\n  maskSize: big\n');
    let message = '';
    try {
      readScenario(file, 'bad.yaml');
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message.split('\n').sort()).toEqual(quoted.sort());
  });
});
