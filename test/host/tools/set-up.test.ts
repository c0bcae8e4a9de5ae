/** Tools found or set up: a real server, real files, real programs. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { arch, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TOOLS } from '../../../src/host/tools/catalogue.ts';
import { thisPlatform } from '../../../src/host/tools/platform.ts';
import { ToolProblem, type ToolProblemCause } from '../../../src/host/tools/problem.ts';
import { setUpTools, type ToolNeeds } from '../../../src/host/tools/set-up.ts';
import { WallClock } from '../../../src/time/wall-clock.ts';
import { asset, assetPath, Publisher, program, sha256, status, writeProgram } from './publisher.ts';

/** The machine's clock, but what is slept is written down instead. */
class Restless extends WallClock {
  readonly slept: number[] = [];
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    return super.sleep(0, signal);
  }
}

let directory: string;
let publisher: Publisher;
let clock: Restless;
let lines: string[];
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'rehearse-tools-'));
  mkdirSync(path.join(directory, 'bin'));
  publisher = await Publisher.start();
  clock = new Restless();
  lines = [];
});
afterEach(async () => {
  await publisher[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const cacheDirectory = (): string => path.join(directory, 'cache');
const entry = (id: string, version: string): string => path.join(cacheDirectory(), id, version, arch());
const onPath = (name: string, text: string): void => writeProgram(path.join(directory, 'bin', name), text);
const environment = () => ({
  PATH: `${path.join(directory, 'bin')}:/usr/bin:/bin`,
  HOME: path.join(directory, 'home'),
  RUNNER_TOOL_CACHE: cacheDirectory(),
});

function setUp(needs: ToolNeeds, more: { signal?: AbortSignal; env?: Record<string, string>; base?: string } = {}) {
  return setUpTools(needs, {
    clock,
    signal: more.signal ?? new AbortController().signal,
    log: (line) => lines.push(line),
    environment: { ...environment(), ...more.env },
    downloadBaseUrl: more.base ?? publisher.url,
  });
}

/** Everything below the cache, but for directories. */
function cached(): string[] {
  if (!existsSync(cacheDirectory())) return [];
  return readdirSync(cacheDirectory(), { recursive: true, encoding: 'utf8' })
    .filter((name) => !statSync(path.join(cacheDirectory(), name)).isDirectory())
    .sort();
}

async function problem(run: Promise<unknown>): Promise<{ cause: ToolProblemCause; message: string }> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ToolProblem);
  const { cause, message } = error as ToolProblem;
  return { cause, message };
}

describe('from the PATH', () => {
  test('what fits is taken, and nothing is fetched', async () => {
    onPath('kind', program('kind', '0.33.0'));
    onPath('helm', program('helm', '4.2.3'));
    const ready = await setUp({ kind: {}, helm: { version: '4' } });
    expect(Object.fromEntries(ready.paths)).toEqual({
      kind: path.join(directory, 'bin/kind'),
      helm: path.join(directory, 'bin/helm'),
    });
    expect(Object.fromEntries(ready.versions)).toEqual({ kind: '0.33.0', helm: '4.2.3' });
    expect(ready.notes).toEqual([
      `kind 0.33.0 from the PATH (${directory}/bin/kind)`,
      `helm 4.2.3 from the PATH (${directory}/bin/helm)`,
    ]);
    expect(publisher.requests).toEqual([]);
    expect(cached()).toEqual([]);
  });

  test('what is not needed is neither asked nor set up', async () => {
    onPath('kind', program('kind', '0.32.0'));
    onPath('cilium', `#!/bin/sh\necho asked >'${directory}/asked'\n`);
    const ready = await setUp({ kind: {} });
    expect([...ready.paths.keys()]).toEqual(['kind']);
    expect(existsSync(path.join(directory, 'asked'))).toBe(false);
  });

  test('nothing needed: nothing done', async () => {
    const ready = await setUp({});
    expect({ ...ready, paths: ready.paths.size }).toMatchObject({ paths: 0, notes: [] });
    expect(readdirSync(directory)).toEqual(['bin']);
  });

  test.each([
    ['is another version', program('kind', '0.20.0'), 'it is version 0.20.0'],
    ['is something else', '#!/bin/sh\necho hello\n', 'it does not tell its version (kind version, exit code 0)'],
    ['fails', '#!/bin/sh\nexit 3\n', 'it does not tell its version (kind version, exit code 3)'],
    ['cannot be run', '#!/no/such/interpreter\n', 'it cannot be run (spawn'],
  ])('one that %s is passed over, and it is said why', async (_name, text, why) => {
    onPath('kind', text);
    publisher.publish('kind', '0.31.0');
    const { paths, notes } = await setUp({ kind: { version: '0.31.0' } });
    expect(paths.get('kind')).toBe(path.join(entry('kind', '0.31.0'), 'kind'));
    expect(notes[0]).toContain(`${directory}/bin/kind is not taken: ${why}`);
    expect(notes[0]).toMatch(/, and version 0\.31\.0 is needed$/);
  });

  test('where another one cannot be had, it is said why that on the PATH would not do', async () => {
    onPath('kind', program('kind', '0.27.0'));
    const { cause, message } = await problem(setUp({ kind: { version: '0.31.0' } }));
    expect(cause).toBe('not-found');
    expect(message).toMatch(
      /there is no kind 0\.31\.0 .*kind is not taken: it is version 0\.27\.0, and version 0\.31\.0/,
    );
  });

  test('cilium is asked where it cannot ask the Internet in turn', async () => {
    const answers = program('cilium', '0.19.2');
    onPath('cilium', `${answers}echo "$HTTPS_PROXY" >'${directory}/proxy'\n`);
    const { versions } = await setUp({ cilium: {} });
    expect(versions.get('cilium')).toBe('0.19.2');
    expect(readFileSync(path.join(directory, 'proxy'), 'utf8')).toBe('http://127.0.0.1:9\n');
  });

  test('a beginning that only the PATH could satisfy', async () => {
    expect(await problem(setUp({ kind: { version: '0.31' } }))).toEqual({
      cause: 'not-found',
      message: 'kind-version: 0.31 is the beginning of a version that is not on the PATH; write the whole version',
    });
    onPath('kind', program('kind', '0.31.0'));
    expect((await setUp({ kind: { version: '0.31' } })).versions.get('kind')).toBe('0.31.0');
  });
});

describe('downloaded', () => {
  test.each([
    ['kind', 'kind', '0.31.0'],
    ['helm', 'helm', '3.20.1'],
    ['helm', 'helm', '4.1.0'],
    ['cilium', 'cilium-cli', '0.19.2'],
  ] as const)('%s: verified, in the layout of the tool cache, and run from there', async (name, id, version) => {
    publisher.publish(name, version);
    const { paths, versions, notes } = await setUp({ [name]: { version } });
    const file = path.join(entry(id, version), name);
    expect(paths.get(name)).toBe(file);
    expect(versions.get(name)).toBe(version);
    expect(notes).toEqual([`${id} ${version} downloaded (${file})`]);
    expect(statSync(file).mode & 0o777).toBe(0o755);
    expect(cached()).toEqual([`${id}/${version}/${arch()}.complete`, `${id}/${version}/${arch()}/${name}`]);
    expect(publisher.requests).toEqual([
      `GET ${assetPath(name, version)}.sha256sum`,
      `GET ${assetPath(name, version)}`,
    ]);
  });

  test('several at once', async () => {
    publisher.publish('kind', '0.31.0');
    publisher.publish('helm', '4.1.0');
    publisher.publish('cilium', '0.19.2');
    const needs = { kind: { version: 'v0.31.0' }, helm: { version: '4.1.0' }, cilium: { version: '0.19.2' } };
    expect(Object.fromEntries((await setUp(needs)).versions)).toEqual({
      kind: '0.31.0',
      helm: '4.1.0',
      cilium: '0.19.2',
    });
  });

  test('once: the second time it comes from the cache', async () => {
    publisher.publish('kind', '0.31.0');
    await setUp({ kind: { version: '0.31.0' } });
    const before = publisher.requests.length;
    const { notes } = await setUp({ kind: { version: '0.31.0' } });
    expect(publisher.requests.length).toBe(before);
    expect(notes).toEqual([`kind 0.31.0 from the tool cache (${entry('kind', '0.31.0')}/kind)`]);
  });

  test('the newest, where the mirror says which', async () => {
    publisher.publish('kind', '0.35.0');
    publisher.routes.set('/kind/latest', (_request, response) => response.end('v0.35.0\n'));
    expect((await setUp({ kind: { version: 'latest' } })).versions.get('kind')).toBe('0.35.0');
  });

  test('a pointer without a version', async () => {
    publisher.routes.set('/kind/latest', (_request, response) => response.end('<html>please log in</html>'));
    expect(await problem(setUp({ kind: { version: 'latest' } }))).toEqual({
      cause: 'network',
      message: `${publisher.url}/kind/latest names no version of kind; write an exact kind-version`,
    });
  });

  test('after redirects to another host, which is not told the password', async () => {
    await using elsewhere = await Publisher.start();
    const bytes = elsewhere.publish('kind', '0.31.0');
    const at = assetPath('kind', '0.31.0');
    publisher.routes.set(`/tools${at}.sha256sum`, (_request, response) => response.end(sha256(bytes)));
    publisher.routes.set(`/tools${at}`, status(302, { location: '/tools/again' }));
    publisher.routes.set('/tools/again', status(307, { location: `${elsewhere.url}${at}` }));
    const base = `${publisher.url.replace('//', '//me:s%40crt@')}/tools`;
    await setUp({ kind: { version: '0.31.0' } }, { base });
    const authorization = `Basic ${Buffer.from('me:s@crt').toString('base64')}`;
    expect(publisher.headers.map((headers) => headers.authorization)).toEqual([
      authorization,
      authorization,
      authorization,
    ]);
    expect(elsewhere.headers.map((headers) => headers.authorization)).toEqual([undefined]);
    expect(lines.join('\n')).not.toMatch(/s%40crt|s@crt/);
  });
});

describe('tried again', () => {
  const at = assetPath('kind', '0.31.0');
  const bytes = asset('kind', '0.31.0');
  const whole = (_request: unknown, response: { end(body: Buffer): unknown }): unknown => response.end(bytes);
  const half = (_request: unknown, response: import('node:http').ServerResponse): void => {
    response.writeHead(200, { 'content-length': String(bytes.length) });
    response.write(bytes.subarray(0, 10), () => response.destroy());
  };
  const cutChunks = (_request: unknown, response: import('node:http').ServerResponse): void => {
    response.write(bytes.subarray(0, 10), () => response.destroy());
  };
  const reset = (request: import('node:http').IncomingMessage): void => {
    request.socket.resetAndDestroy();
  };

  test.each([
    ['503', status(503)],
    ['500', status(500)],
    ['408', status(408)],
    ['429', status(429)],
    ["GitHub's 403 when the limit is reached", status(403, { 'x-ratelimit-remaining': '0' })],
    ['a connection that is reset', reset],
    ['a body that is cut', half],
    ['chunks that are cut', cutChunks],
  ])('%s', async (_name, failing) => {
    publisher.publish('kind', '0.31.0', bytes);
    publisher.inTurn(at, failing, failing, whole);
    expect((await setUp({ kind: { version: '0.31.0' } })).versions.get('kind')).toBe('0.31.0');
    expect(publisher.count(at)).toBe(3);
    expect(clock.slept).toEqual([1_000, 3_000]);
    expect(lines.filter((line) => line.includes('again in'))).toHaveLength(2);
  });

  test('after the pause that the server asks for', async () => {
    publisher.publish('kind', '0.31.0', bytes);
    publisher.inTurn(at, status(429, { 'retry-after': '17' }), whole);
    await setUp({ kind: { version: '0.31.0' } });
    expect(clock.slept).toEqual([17_000]);
  });

  test('not where it asks for longer than we wait', async () => {
    publisher.publish('kind', '0.31.0', bytes);
    publisher.routes.set(at, status(429, { 'retry-after': '3600' }));
    expect(await problem(setUp({ kind: { version: '0.31.0' } }))).toMatchObject({ cause: 'rate-limited' });
    expect(clock.slept).toEqual([]);
  });

  test.each<[string, number, ToolProblemCause]>([
    ['5xx for ever', 502, 'network'],
    ['429 for ever', 429, 'rate-limited'],
  ])('%s ends', async (_name, code, cause) => {
    publisher.publish('kind', '0.31.0', bytes);
    publisher.routes.set(at, status(code));
    const { message, ...rest } = await problem(setUp({ kind: { version: '0.31.0' } }));
    expect(rest).toEqual({ cause });
    expect(message).toContain(`${publisher.url}${at} answered ${code}`);
    expect(message).toContain('try again later, or set download-base-url to a mirror');
    expect(publisher.count(at)).toBe(5);
    expect(clock.slept).toEqual([1_000, 3_000, 9_000, 27_000]);
    expect(cached()).toEqual([]);
  });

  test('nobody listens', async () => {
    const closed = createTcpServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as { port: number };
    await new Promise<void>((resolve) => closed.close(() => resolve()));
    const { cause, message } = await problem(
      setUp({ helm: { version: '4.1.0' } }, { base: `http://127.0.0.1:${port}` }),
    );
    expect(cause).toBe('network');
    expect(message).toMatch(/could not be fetched: .*ECONNREFUSED.*; check the network and the variables HTTPS_PROXY/);
    expect(clock.slept).toHaveLength(4);
  });
});

describe('refused at once', () => {
  test('a version that does not exist, by its checksum file and the asset', async () => {
    expect(await problem(setUp({ kind: { version: '0.31.7' } }))).toEqual({
      cause: 'not-found',
      message: `there is no kind 0.31.7 at ${publisher.url}${assetPath('kind', '0.31.7')}; correct kind-version`,
    });
    expect(clock.slept).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')('a pinned version that a mirror does not have', async () => {
    expect(await problem(setUp({ kind: {} }))).toMatchObject({
      cause: 'not-found',
      message: expect.stringContaining('there is no kind 0.32.0 at'),
    });
  });

  test('a text that is no version, before anything is asked', async () => {
    onPath('kind', `#!/bin/sh\necho asked >'${directory}/asked'\n`);
    expect(await problem(setUp({ kind: {}, helm: { version: 'newest' } }))).toMatchObject({ cause: 'not-found' });
    expect(existsSync(path.join(directory, 'asked'))).toBe(false);
  });

  test.each([401, 403, 407])('status %i', async (code) => {
    publisher.publish('kind', '0.31.0');
    publisher.routes.set(assetPath('kind', '0.31.0'), status(code));
    const { cause, message } = await problem(setUp({ kind: { version: '0.31.0' } }));
    expect({ cause, message }).toEqual({
      cause: 'network',
      message: `${publisher.url}${assetPath('kind', '0.31.0')} answered ${code}; a proxy or a mirror does not let us through`,
    });
    expect(clock.slept).toEqual([]);
  });

  test('redirects without end', async () => {
    const at = assetPath('kind', '0.31.0');
    publisher.publish('kind', '0.31.0');
    publisher.routes.set(at, status(302, { location: at }));
    expect(await problem(setUp({ kind: { version: '0.31.0' } }))).toEqual({
      cause: 'network',
      message: `${publisher.url}${at} redirects without end`,
    });
  });

  test('a proxy variable that is no address', async () => {
    publisher.publish('kind', '0.31.0');
    const run = setUp({ kind: { version: '0.31.0' } }, { env: { HTTP_PROXY: 'proxy:port:3128' } });
    expect(await problem(run)).toEqual({
      cause: 'unusable',
      message: 'HTTP_PROXY or HTTPS_PROXY is no address of a proxy; correct or unset it',
    });
  });
});

describe('what is not what was published never reaches the cache', () => {
  const at = assetPath('kind', '0.31.0');

  test('another checksum', async () => {
    publisher.publish('kind', '0.31.0');
    publisher.routes.set(at, (_request, response) => response.end('something else'));
    const { cause, message } = await problem(setUp({ kind: { version: '0.31.0' } }));
    expect(cause).toBe('checksum');
    expect(message).toContain(`its SHA-256 is ${sha256(Buffer.from('something else'))} and not `);
    expect(cached()).toEqual([]);
    expect(readdirSync(cacheDirectory())).toEqual([]);
  });

  // kind's checksums for macOS are asked for.
  test.skipIf(process.platform !== 'linux')(
    'a pinned version is held to the checksum that we know, whatever the mirror says',
    async () => {
      publisher.publish('kind', '0.32.0');
      const { cause, message } = await problem(setUp({ kind: {} }));
      expect(cause).toBe('checksum');
      const { os, arch: cpu } = thisPlatform()!;
      expect(message).toContain(`and not ${TOOLS.kind.pinned[0].sha256[`${os}-${cpu}`]};`);
      expect(publisher.requests).toEqual([`GET ${assetPath('kind', '0.32.0')}`]);
      expect(cached()).toEqual([]);
    },
  );

  test('no checksum beside it', async () => {
    publisher.publish('kind', '0.31.0');
    publisher.routes.delete(`${at}.sha256sum`);
    expect(await problem(setUp({ kind: { version: '0.31.0' } }))).toEqual({
      cause: 'checksum',
      message: `${publisher.url}${at}.sha256sum is not there, so kind 0.31.0 cannot be verified; publish it there`,
    });
    expect(publisher.count(at)).toBe(0);
  });

  test('a page in place of the checksum', async () => {
    publisher.publish('kind', '0.31.0');
    publisher.routes.set(`${at}.sha256sum`, (_request, response) => response.end('<html>please log in</html>'));
    expect(await problem(setUp({ kind: { version: '0.31.0' } }))).toMatchObject({ cause: 'checksum' });
  });

  test('an archive without the program', async () => {
    publisher.publish('cilium', '0.19.2', asset('helm', '4.1.0'));
    const { cause, message } = await problem(setUp({ cilium: { version: '0.19.2' } }));
    expect(cause).toBe('unusable');
    expect(message).toContain('could not be unpacked: tar ended with 2');
    expect(readdirSync(cacheDirectory())).toEqual([]);
  });

  test.each([
    ['a program of another version', program('kind', '0.30.0'), 'it is version 0.30.0'],
    ['no program', 'not a program at all', 'it does not tell its version'],
  ])('%s', async (_name, text, why) => {
    publisher.publish('kind', '0.31.0', Buffer.from(text));
    const { cause, message } = await problem(setUp({ kind: { version: '0.31.0' } }));
    expect(cause).toBe('unusable');
    expect(message).toContain(`has the published checksum, but ${why}`);
    expect(readdirSync(cacheDirectory())).toEqual([]);
  });
});

describe('aborted', () => {
  const at = assetPath('kind', '0.31.0');

  test('while bytes drip in: nothing is left, not even the connection', async () => {
    publisher.publish('kind', '0.31.0');
    const closed = Promise.withResolvers<void>();
    const dripping = Promise.withResolvers<void>();
    publisher.routes.set(at, (_request, response) => {
      response.on('close', () => closed.resolve());
      response.writeHead(200, { 'content-length': '1000' });
      response.write('x', () => dripping.resolve());
    });
    const abort = new AbortController();
    const reason = new Error('cancelled by SIGINT');
    const run = setUp({ kind: { version: '0.31.0' } }, { signal: abort.signal });
    await dripping.promise;
    abort.abort(reason);
    await expect(run).rejects.toBe(reason);
    await closed.promise;
    expect(readdirSync(cacheDirectory())).toEqual([]);
  });

  test('before the beginning', async () => {
    const reason = new Error('too late');
    await expect(setUp({ kind: {} }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(publisher.requests).toEqual([]);
  });

  test('in a pause', async () => {
    const abort = new AbortController();
    class Paused extends Restless {
      override sleep(ms: number, signal?: AbortSignal): Promise<void> {
        abort.abort(new Error('enough'));
        return new WallClock().sleep(ms, signal);
      }
    }
    clock = new Paused();
    publisher.routes.set(`${at}.sha256sum`, status(503));
    await expect(setUp({ kind: { version: '0.31.0' } }, { signal: abort.signal })).rejects.toThrow('enough');
  });

  test('the time for all of it is over', async () => {
    publisher.routes.set(`${at}.sha256sum`, () => undefined);
    const run = setUpTools(
      { kind: { version: '0.31.0' } },
      {
        clock,
        signal: new AbortController().signal,
        log: () => undefined,
        environment: environment(),
        downloadBaseUrl: publisher.url,
        timeoutMs: 300,
      },
    );
    expect(await problem(run)).toEqual({
      cause: 'network',
      message: 'the tools could not be fetched within 300ms; set download-base-url to a mirror',
    });
  });

  test('one that fails ends the others', async () => {
    publisher.publish('helm', '4.1.0');
    publisher.routes.set(assetPath('helm', '4.1.0'), () => undefined);
    expect(await problem(setUp({ helm: { version: '4.1.0' }, kind: { version: '0.31.7' } }))).toMatchObject({
      cause: 'not-found',
    });
  });
});

describe('the cache', () => {
  test.each([
    ['damaged', 'nothing that runs'],
    ['of another version', program('kind', '0.30.0')],
  ])('an entry that is %s is replaced', async (_name, text) => {
    publisher.publish('kind', '0.31.0');
    writeProgram(path.join(entry('kind', '0.31.0'), 'kind'), text);
    writeFileSync(`${entry('kind', '0.31.0')}.complete`, '');
    const { paths } = await setUp({ kind: { version: '0.31.0' } });
    expect(readFileSync(paths.get('kind')!, 'utf8')).toBe(program('kind', '0.31.0'));
    expect(lines[0]).toMatch(/is damaged \(it .*\) and is fetched again$/);
    expect(readdirSync(cacheDirectory())).toEqual(['kind']);
  });

  test('an entry that somebody did not finish is replaced', async () => {
    publisher.publish('kind', '0.31.0');
    writeProgram(path.join(entry('kind', '0.31.0'), 'kind'), program('kind', '0.31.0'));
    await setUp({ kind: { version: '0.31.0' } });
    expect(publisher.count(assetPath('kind', '0.31.0'))).toBe(1);
    expect(existsSync(`${entry('kind', '0.31.0')}.complete`)).toBe(true);
  });

  test('is where the variables say, and nowhere else', async () => {
    publisher.publish('kind', '0.31.0');
    const xdg = path.join(directory, 'xdg');
    const one = await setUp({ kind: { version: '0.31.0' } }, { env: { RUNNER_TOOL_CACHE: '', XDG_CACHE_HOME: xdg } });
    expect(one.paths.get('kind')).toBe(path.join(xdg, `rehearse/tools/kind/0.31.0/${arch()}/kind`));
    const two = await setUp(
      { kind: { version: '0.31.0' } },
      { env: { RUNNER_TOOL_CACHE: '', XDG_CACHE_HOME: 'relative' } },
    );
    expect(two.paths.get('kind')).toBe(path.join(directory, `home/.cache/rehearse/tools/kind/0.31.0/${arch()}/kind`));
    expect(readdirSync(directory).sort()).toEqual(['bin', 'home', 'xdg']);
  });

  test('that cannot be written is said in one sentence', async () => {
    publisher.publish('kind', '0.31.0');
    writeFileSync(path.join(directory, 'file'), '');
    const run = setUp({ kind: { version: '0.31.0' } }, { env: { RUNNER_TOOL_CACHE: path.join(directory, 'file') } });
    expect(await problem(run)).toEqual({
      cause: 'unusable',
      message: expect.stringMatching(/^the tool cache \(.*file\): .*; name a directory that can be written$/),
    });
  });

  test.skipIf(!existsSync('/dev/full'))('on a full disk', async () => {
    // A real full device behind the name that is written to.
    publisher.publish('kind', '0.31.0');
    const { Downloads } = await import('../../../src/host/tools/download.ts');
    const signal = new AbortController().signal;
    await using downloads = new Downloads({ clock, signal, environment: {}, log: () => undefined });
    const url = new URL(`${publisher.url}${assetPath('kind', '0.31.0')}`);
    expect(await problem(downloads.file(url, '/dev/full'))).toEqual({
      cause: 'disk-full',
      message: `the download of ${url.href}: no space left on the disk; make room there`,
    });
    expect(clock.slept).toEqual([]);
  });
});
