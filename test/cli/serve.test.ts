import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Ended, type Process, REHEARSE, startProcess, startRehearse } from './processes.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'serve-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Starts a server and hands back the address of its API with the token in it. */
async function served(...words: string[]): Promise<{ process: Process; url: string; file: string }> {
  const file = join(directory, 'kubeconfig');
  const process = startRehearse(directory, 'serve', 'minimal', '--kubeconfig', file, ...words);
  expect(await process.says('Ctrl-C ends it')).toBe(true);
  const config = parse(readFileSync(file, 'utf8')) as { clusters: { cluster: { server: string } }[] };
  return { process, url: config.clusters[0]!.cluster.server, file };
}

async function end({ child, ended }: Process): Promise<Ended> {
  child.kill('SIGINT');
  return ended;
}

const get = async (url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> => {
  const { statusCode, body } = await request(url, { headers });
  return { status: statusCode, body: await body.text() };
};

describe('rehearse serve', () => {
  test('opens the cluster at the checkpoint, to whoever knows the token, and leaves nothing behind', async () => {
    const { process, url, file } = await served('--at', 'baseline');
    try {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const nodes = JSON.parse((await get(`${url}/api/v1/nodes`)).body) as { items: { metadata: { name: string } }[] };
      expect(nodes.items.map(({ metadata }) => metadata.name)).toEqual(['kind-control-plane', 'kind-worker']);
      const { origin, pathname } = new URL(url);
      const token = pathname.slice(1);
      expect((await get(`${origin}/api/v1/nodes`, { authorization: `Bearer ${token}` })).status).toBe(200);
      for (const [path, headers] of [
        ['/api/v1/nodes', {}],
        ['/', {}],
        [`/${token}x/api/v1/nodes`, {}],
        ['/api/v1/nodes', { authorization: 'Bearer wrong' }],
      ] as const) {
        expect((await get(`${origin}${path}`, headers)).status, path).toBe(401);
      }
      expect((await get(`${url}/api/v1/nodes`, { host: 'evil.example' })).status).toBe(421);
    } finally {
      const { code, stdout } = await end(process);
      expect(code).toBe(0);
      expect(stdout).toBe(`KUBECONFIG=${file}\n`);
    }
    expect(() => statSync(file)).toThrow();
  });

  test('time goes on: a pod that is deleted comes back, and a watch tells', async () => {
    const { process, url } = await served('--speed', '20');
    try {
      const pods = `${url}/api/v1/namespaces/default/pods`;
      const list = JSON.parse((await get(`${pods}?labelSelector=app%3Dnodepinger`)).body) as {
        metadata: { resourceVersion: string };
        items: { metadata: { name: string; uid: string } }[];
      };
      expect(list.items).toHaveLength(2);
      const gone = list.items[0]!.metadata;
      const query = `watch=1&labelSelector=app%3Dnodepinger&resourceVersion=${list.metadata.resourceVersion}`;
      const stream = await request(`${pods}?${query}`);
      const removed = await request(`${pods}/${gone.name}`, { method: 'DELETE' });
      await removed.body.dump();
      expect(removed.statusCode).toBe(200);
      const seen: string[] = [];
      let rest = '';
      for await (const chunk of stream.body) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          const { type, object } = JSON.parse(line) as {
            type: string;
            object: { metadata: { uid: string }; status?: { conditions?: { type: string; status: string }[] } };
          };
          const isReady = object.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;
          if (type === 'DELETED' && object.metadata.uid === gone.uid) seen.push('gone');
          if (isReady && object.metadata.uid !== gone.uid && !seen.includes('replaced')) seen.push('replaced');
        }
        if (seen.includes('gone') && seen.includes('replaced')) break;
      }
      expect(seen.sort()).toEqual(['gone', 'replaced']);
    } finally {
      const { code, stderr } = await end(process);
      expect(code, stderr).toBe(0);
    }
  });

  test('a NodePort answers on loopback as Docker would publish it', async () => {
    const { process } = await served();
    try {
      // Another server, or a real kind cluster, may hold the port on this machine: then it says so.
      if (
        await Promise.race([process.says('NodePort: http://127.0.0.1:32042/'), process.says('NodePort 32042 cannot')])
      ) {
        const answer = await get('http://127.0.0.1:32042/metrics').catch(() => undefined);
        if (answer !== undefined) expect(answer.body).toContain('goldpinger');
      }
    } finally {
      expect((await end(process)).code).toBe(0);
    }
  });

  test('a rehearsal that ends before the checkpoint opens nothing and keeps its exit code', async () => {
    const words = ['serve', 'minimal', '--at', 'switched/kind-worker', '--allow', 'tunnel-port-clash'];
    const { ended } = startRehearse(directory, ...words, '--fault', 'tunnel-port-clash');
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('secondary-installed');
  });

  test.each([
    [['--speed', '0'], '--speed 0: a number above 0'],
    [['--speed', 'fast'], '--speed fast'],
    [['--at', 'switched/nobody'], '--at switched/nobody: this scenario has no such checkpoint'],
    [['--port', '70000'], '--port'],
    [['--provider', 'existing'], '--provider existing'],
    [['--kubeconfig', '/'], 'it is a directory'],
  ])('%j is refused in one sentence, and nothing is started', async (words, said) => {
    const { code, stderr, stdout } = await startRehearse(directory, 'serve', 'minimal', ...words).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(stdout).toBe('');
  });

  test('a kubeconfig of somebody else stays as it is', async () => {
    const file = join(directory, 'config');
    writeFileSync(file, 'apiVersion: v1\nkind: Config\n');
    const { code, stderr } = await startProcess(REHEARSE, ['serve', 'minimal', '--kubeconfig', file], directory).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('rehearse serve did not make');
    expect(readFileSync(file, 'utf8')).toBe('apiVersion: v1\nkind: Config\n');
  });

  test('a signal on the way to the checkpoint cancels the rehearsal', async () => {
    const process = startRehearse(directory, 'serve', 'lab', '--at', 'final');
    expect(await process.says('baseline')).toBe(true);
    process.child.kill('SIGTERM');
    const { code, stdout } = await process.ended;
    expect(code).toBe(130);
    expect(stdout).toBe('');
  });
});
