/** The tool cache: as @actions/tool-cache reads and writes it, and whole whoever else is at it. */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { arch, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as toolkit from '@actions/tool-cache';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ToolCache } from '../../../src/host/tools/cache.ts';
import { WallClock } from '../../../src/time/wall-clock.ts';
import { assetPath, Publisher, program, writeProgram } from './publisher.ts';

const run = promisify(execFile);
const clock = new WallClock();

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'rehearse-cache-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function add(cache: ToolCache, version: string, text = program('kind', version)): Promise<string> {
  await using staging = await cache.staging(clock);
  const staged = path.join(staging.directory, 'kind');
  writeProgram(staged, text);
  return await cache.add('kind', version, staged);
}

describe('@actions/tool-cache', () => {
  const saved = { cache: process.env.RUNNER_TOOL_CACHE, temp: process.env.RUNNER_TEMP };
  beforeEach(() => {
    process.env.RUNNER_TOOL_CACHE = path.join(directory, 'tools');
    process.env.RUNNER_TEMP = path.join(directory, 'temp');
  });
  afterEach(() => {
    for (const [name, value] of [
      ['RUNNER_TOOL_CACHE', saved.cache],
      ['RUNNER_TEMP', saved.temp],
    ] as const) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  test('finds what we have added', async () => {
    const file = await add(new ToolCache(path.join(directory, 'tools')), '0.31.0');
    expect(toolkit.find('kind', '0.31.0')).toBe(path.dirname(file));
    expect(toolkit.findAllVersions('kind')).toEqual(['0.31.0']);
  });

  test('adds what we find', async () => {
    const source = path.join(directory, 'source');
    writeProgram(source, program('kind', '0.30.0'));
    const cache = new ToolCache(path.join(directory, 'tools'));
    expect(cache.find('kind', '0.30.0', 'kind')).toBeUndefined();
    const cached = await toolkit.cacheFile(source, 'kind', 'kind', '0.30.0');
    expect(cache.find('kind', '0.30.0', 'kind')).toBe(path.join(cached, 'kind'));
  });

  test('downloads with the undici that the whole project has', async () => {
    await using publisher = await Publisher.start();
    const bytes = publisher.publish('helm', '4.1.0');
    const file = await toolkit.downloadTool(`${publisher.url}${assetPath('helm', '4.1.0')}`);
    expect(readFileSync(file).equals(bytes)).toBe(true);
    const root = path.resolve(import.meta.dirname, '../../..');
    const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as { packages: object };
    expect(Object.keys(lock.packages).filter((name) => /(^|\/)undici$/.test(name))).toEqual(['node_modules/undici']);
  });
});

describe('an entry', () => {
  test('is found only when it is whole', async () => {
    const cache = new ToolCache(directory);
    const entry = path.join(directory, 'kind/0.31.0', arch());
    expect(cache.find('kind', '0.31.0', 'kind')).toBeUndefined();
    writeProgram(path.join(entry, 'kind'), program('kind', '0.31.0'));
    expect(cache.find('kind', '0.31.0', 'kind')).toBeUndefined();
    writeFileSync(`${entry}.complete`, '');
    expect(cache.find('kind', '0.31.0', 'kind')).toBe(path.join(entry, 'kind'));
    rmSync(entry, { recursive: true });
    expect(cache.find('kind', '0.31.0', 'kind')).toBeUndefined();
  });

  test('that is there already stays, also while it is in use', async () => {
    const cache = new ToolCache(directory);
    const file = await add(cache, '0.31.0', 'the first');
    expect(await add(cache, '0.31.0', 'the second')).toBe(file);
    expect(readFileSync(file, 'utf8')).toBe('the first');
    expect(readdirSync(directory)).toEqual(['kind']);
  });

  test('that is not whole makes room', async () => {
    const cache = new ToolCache(directory);
    mkdirSync(path.join(directory, 'kind/0.31.0', arch(), 'half'), { recursive: true });
    const file = await add(cache, '0.31.0');
    expect(readdirSync(path.dirname(file))).toEqual(['kind']);
    expect(cache.find('kind', '0.31.0', 'kind')).toBe(file);
  });
});

test('what a killed process left is removed when it is old, and not before', async () => {
  const cache = new ToolCache(directory);
  const old = path.join(directory, '.rehearse-staging-old');
  const young = path.join(directory, '.rehearse-staging-young');
  const foreign = path.join(directory, 'node');
  for (const each of [old, young, foreign]) mkdirSync(each);
  const yesterday = (clock.now() - 25 * 3_600_000) / 1_000;
  for (const each of [old, foreign]) utimesSync(each, yesterday, yesterday);
  await add(cache, '0.31.0');
  expect([old, young, foreign].map((each) => existsSync(each))).toEqual([false, true, true]);
});

test('many processes at once end with one whole entry, and each runs it', async () => {
  await using publisher = await Publisher.start();
  publisher.publish('kind', '0.31.0');
  const env = { PATH: '/usr/bin:/bin', RUNNER_TOOL_CACHE: directory, TEST_BASE_URL: publisher.url };
  const processes = Array.from({ length: 6 }, () =>
    run(process.execPath, [path.join(import.meta.dirname, 'tools-program.ts')], { env }),
  );
  const answers = (await Promise.all(processes)).map(
    ({ stdout }) => JSON.parse(stdout) as { file: string; says: string },
  );
  const file = path.join(directory, 'kind/0.31.0', arch(), 'kind');
  for (const answer of answers) expect(answer).toMatchObject({ file, says: 'kind v0.31.0 go1.26.3 linux/amd64\n' });
  expect(readdirSync(directory)).toEqual(['kind']);
});
