/** The published chart index over real HTTP: as it is, broken in every way, slow, gone. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ciliumVersions, publishedCilium } from '../../src/matrix/published.ts';
import { WallClock } from '../../src/time/wall-clock.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answer = (body: string, status = 200): Promise<string> =>
  serve((_request, response) => response.writeHead(status).end(body));

const index = (...versions: string[]): string =>
  `apiVersion: v1\nentries:\n  cilium:\n${versions.map((version) => `    - name: cilium\n      version: ${version}\n`).join('')}  tetragon:\n    - version: 9.9.9\n`;

const fetched = (url: string, more: { signal?: AbortSignal; timeoutMs?: number } = {}) =>
  publishedCilium({ url, clock: new WallClock(), mustHave: '1.20.0', ...more });

test('the versions of the chart cilium and of no other, newest first, each once', async () => {
  const url = await answer(index('1.19.9', '1.20.0', '1.21.0-pre.1', '1.20.0', 'v1.20.1', 'latest'));
  expect(await fetched(url)).toEqual({ versions: ['1.21.0-pre.1', '1.20.1', '1.20.0', '1.19.9'] });
});

test('the repository or its index.yaml, both are an address of it', async () => {
  const paths: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    paths.push(request.url);
    response.end(index('1.20.0'));
  });
  for (const address of [url, `${url}/`, `${url}/index.yaml`])
    expect(await fetched(address)).toHaveProperty('versions');
  expect(paths).toEqual(['/index.yaml', '/index.yaml', '/index.yaml']);
});

describe('a broken index is told in one sentence, never thrown', () => {
  test.each([
    ['gone', 'x', 404, /the server answered 404$/],
    ['down', 'x', 503, /the server answered 503$/],
    ['a page for people', '<html><body>maintenance</body></html>', 200, /no list entries\.cilium$/],
    ['cut', index('1.20.0').slice(0, 40), 200, /no list entries\.cilium$|no version of cilium$/],
    ['no YAML', 'entries: [', 200, /it is no YAML/],
    ['empty', '', 200, /no list entries\.cilium$/],
    ['of another repository', 'entries: {nginx: [{version: 1.0.0}]}', 200, /no list entries\.cilium$/],
    ['without versions', 'entries: {cilium: [{name: cilium}, 7, null]}', 200, /no version of cilium$/],
    ['rolled back', index('1.18.0', '1.19.0'), 200, /2 versions of cilium and not 1\.20\.0$/],
    ['a bomb of aliases', `a: &a [1]\nentries: {cilium: [*a, *a]}\n`, 200, /it is no YAML/],
  ])('%s', async (_what, body, status, problem) => {
    const url = await answer(body, status);
    const published = await fetched(url);
    expect(published).toEqual({ problem: expect.stringMatching(problem) });
    expect('problem' in published && published.problem.startsWith(`${url}/index.yaml: `)).toBe(true);
  });

  test('larger than any index', async () => {
    const url = await serve((_request, response) => {
      response.on('error', () => undefined);
      const more = (): void => {
        while (response.writable && response.write('#'.repeat(1 << 20)));
      };
      response.on('drain', more);
      more();
    });
    expect(await fetched(url)).toEqual({ problem: expect.stringMatching(/it has more than 20971520 bytes$/) });
  });

  test('no answer in time', async () => {
    const url = await serve(() => undefined);
    expect(await fetched(url, { timeoutMs: 50 })).toEqual({
      problem: expect.stringMatching(/deadline of 0\.05 s exceeded$/),
    });
  });

  test('an answer that stops in the middle', async () => {
    const url = await serve((_request, response) => void response.write('entries:\n'));
    expect(await fetched(url, { timeoutMs: 300 })).toEqual({
      problem: expect.stringMatching(/deadline of 0\.3 s exceeded$/),
    });
  });

  test('nobody there: the cause, not only "fetch failed"', async () => {
    const url = await answer('x');
    servers.splice(0)[0]!.close();
    expect(await fetched(url)).toEqual({ problem: expect.stringMatching(/ECONNREFUSED/) });
  });
});

test('cancelled, it throws the reason of who cancelled', async () => {
  const url = await serve(() => undefined);
  const controller = new AbortController();
  const waiting = fetched(url, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('what is no version is not taken for one', () => {
  expect(
    ciliumVersions('entries: {cilium: [{version: "1.20.0; rm -rf /"}, {version: 1.2}, {version: "1.20.0"}]}'),
  ).toEqual({
    versions: ['1.20.0'],
  });
});
