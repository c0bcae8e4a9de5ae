/** The tools that a run on kind asks for, and what it means for the verdict when one cannot be had. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { neededTools, toolsFor, type WantedTools } from '../../../src/provider/kind/tools.ts';
import { WallClock } from '../../../src/time/wall-clock.ts';
import { bundledScenario } from '../../e2e/rehearse.ts';

const scenario = bundledScenario('minimal');

describe('what is needed', () => {
  test.each([
    ['nothing said', {}, {}],
    ['versions said', { kind: '0.31', helm: '4' }, { kind: { version: '0.31' }, helm: { version: '4' } }],
  ])('%s', (_title, wanted: WantedTools, expected) => {
    expect(neededTools(scenario, wanted)).toEqual({ kind: {}, helm: {}, ...expected });
  });

  test('cilium-cli only for the connectivity test, in the version that goes with this Cilium', () => {
    const tested = (version: string): typeof scenario => ({
      ...scenario,
      cilium: { ...scenario.cilium, version },
      finish: { ...scenario.finish, connectivityTest: { tests: [], timeout: '10m' } },
    });
    expect(neededTools(tested('1.15.19'), {}).cilium?.instead?.version).toMatch(/^0\.16\./);
    expect(neededTools(tested('1.19.6'), {}).cilium?.instead?.version).toMatch(/^0\.19\./);
    expect(neededTools(tested('1.19.6'), { cilium: '0.19.5' }).cilium?.version).toBe('0.19.5');
  });
});

describe('finding them', () => {
  let directory: string;
  let server: Server;
  let status = 404;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kind-tools-'));
    server = createServer((_request, response) => response.writeHead(status).end('nothing'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const program = (name: string, answer: string): void => {
    writeFileSync(join(directory, name), `#!/bin/sh\necho '${answer}'\n`);
    chmodSync(join(directory, name), 0o755);
  };
  const find = (wanted: WantedTools = {}): ReturnType<typeof toolsFor> =>
    toolsFor({
      scenario,
      wanted: { ...wanted, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
      environment: { PATH: directory, XDG_CACHE_HOME: join(directory, 'cache'), HOME: directory },
      clock: new WallClock(),
      signal: new AbortController().signal,
    });

  test('what is on the PATH and fits is taken, and the report says so', async () => {
    program('kind', 'kind v0.32.0 go1.26.3 linux/amd64');
    program('helm', 'v4.2.4');
    const { paths, findings } = await find();
    expect(Object.fromEntries(paths)).toEqual({ kind: join(directory, 'kind'), helm: join(directory, 'helm') });
    expect(findings).toHaveLength(1);
    expect(findings[0]!.subjects.join('\n')).toMatch(/kind 0\.32\.0 from the PATH[\s\S]*helm 4\.2\.4 from the PATH/);
  });

  test.each([
    [404, { kind: '0.31.9' }, { verdict: 'refused', reason: 'version-unknown' }],
    [200, { kind: '0.31.9' }, { verdict: 'error', reason: 'download-failed' }],
    [404, { helm: 'newest' }, { verdict: 'refused', reason: 'version-unknown' }],
  ])('a publisher that answers %i for %j: %j', async (code, wanted, expected) => {
    status = code;
    program('kind', 'kind v0.32.0 go1.26.3 linux/amd64');
    program('helm', 'v3.21.4');
    await expect(find(wanted)).rejects.toMatchObject({ name: 'MachineFailure', problem: expected });
  });
});
