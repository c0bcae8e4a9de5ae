/** Whatever the doors do, gathering ends in time, every piece is in the bundle or told as missing, and no secret is in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FULL_MS, MOST_NODES, QUICK_MS } from '../../src/evidence/gather.ts';
import { CommandNotFound, CommandTimedOut } from '../../src/host/host.ts';
import { ApiUnreachable, KubeError } from '../../src/kube/api.ts';
import { answer, apiThat, gather, hostThat, MemoryDirectory, never, pod, type Run } from './rig.ts';

const good: Run = (words) =>
  answer(words.includes('/etc/cni/net.d') && words.includes(' ls ') ? '10-calico.conflist\n' : 'text\n');
const agent = pod('cilium-aaaaa', { labels: { 'k8s-app': 'cilium' }, namespace: 'kube-system' });
const probe = pod('goldpinger-1', { labels: { app: 'goldpinger' } });
const api = apiThat({ objects: { pods: [agent, probe], nodes: [pod('kind-worker')] } });

const whatOf = ({ gathered }: Awaited<ReturnType<typeof gather>>): string[] =>
  [...gathered.entries, ...gathered.missing].map(({ what }) => what).sort();

describe('a cluster that answers', () => {
  test('is in the bundle: objects, events, logs, readings, every node from inside, the machine', async () => {
    const outcome = await gather({ host: hostThat(good), api });
    const names = [...outcome.files.keys()];
    for (const name of [
      ...[
        'README.md',
        'index.json',
        'pods.txt',
        'objects/pods.json',
        'objects/nodes.json',
        'readings/goldpinger-1.json',
      ],
      ...['logs/kube-system/cilium-aaaaa/c.log', 'machine/docker-info.txt', 'machine/containers.txt'],
      ...['kind-worker', 'kind-control-plane'].flatMap((node) =>
        ['cni', 'routes', 'links', 'rules', 'iptables', 'containers', 'disk'].map(
          (file) => `nodes/${node}/${file}.txt`,
        ),
      ),
      'nodes/kind-worker/cilium-status.txt',
      'nodes/kind-worker/cilium-endpoints.txt',
      'nodes/kind-worker/journal-kubelet.log',
      'nodes/kind-worker/inspect.json',
    ]) {
      expect(names).toContain(name);
    }
    // No agent runs there.
    expect(names).not.toContain('nodes/kind-control-plane/cilium-status.txt');
    const readme = outcome.files.get('README.md')!;
    for (const { file } of outcome.gathered.entries) expect(readme).toContain(file);
    expect(JSON.parse(outcome.files.get('index.json')!)).toMatchObject({
      headline: 'It failed.',
      files: outcome.gathered.entries,
    });
    expect(outcome.took).toBe(0);
  });

  test('blamed nodes and pods come first', async () => {
    const blamed = { nodes: ['kind-worker'], text: 'default/shop-1 is not Ready', nodeFailed: false };
    const asked: string[] = [];
    const watching = apiThat({
      objects: { pods: [agent, pod('shop-1', { node: 'kind-control-plane' })] },
      raw: (path) => {
        asked.push(path);
        return Promise.resolve({ status: 200, body: 'x' });
      },
    });
    const host = hostThat((words) => {
      asked.push(words);
      return good(words, { timeoutMs: 1 });
    });
    const { gathered } = await gather({ host, api: watching, blamed });
    expect(gathered.blamed).toEqual(['kind-worker']);
    expect(asked[0]).toContain('/pods/shop-1/log?container=c&previous=false&tailLines=1000');
    const first = (part: string): number => asked.findIndex((one) => one.includes(part));
    expect(first('exec kind-worker iptables-save')).toBeLessThan(first('exec kind-control-plane iptables-save'));
    expect(first('exec kind-worker iptables-save')).toBeLessThan(first('/pods/cilium-aaaaa/log'));
  });

  test('of a thousand nodes only some are looked into, the blamed ones among them', async () => {
    const workers = Array.from({ length: 1_000 }, (_, at) => `kind-worker${at}`);
    const blamed = { nodes: ['kind-worker777'], text: '', nodeFailed: false };
    const { gathered } = await gather({ host: hostThat(good), workers, blamed });
    const inside = new Set(
      gathered.entries.flatMap(({ file }) => /^nodes\/(.*)\/iptables\.txt$/.exec(file)?.[1] ?? []),
    );
    expect(inside.size).toBe(MOST_NODES);
    expect(inside).toContain('kind-worker777');
    expect(gathered.missing.map(({ what }) => what)).toContain('the inside of 989 more nodes');
  });

  test('of the CNI directory configurations are read, and the kubeconfig with its token is not', async () => {
    const asked: string[] = [];
    const host = hostThat((words) => {
      asked.push(words);
      return answer(
        words.includes(' ls ') ? '05-cilium.conflist\n10-calico.conflist.cilium_bak\ncalico-kubeconfig\n' : '{"x":1}',
      );
    });
    const { files } = await gather({ host });
    expect(asked.filter((words) => words.includes('calico-kubeconfig'))).toEqual([]);
    expect(files.get('nodes/kind-worker/cni.txt')).toBe(
      '== 05-cilium.conflist\n{"x":1}\n\n== 10-calico.conflist.cilium_bak\n{"x":1}\n\n== calico-kubeconfig (not read)\n',
    );
  });
});

describe('doors that are shut', () => {
  test('docker that is not installed is told once for all that needs it, and hides nothing of the API', async () => {
    const host = hostThat(() => Promise.reject(new CommandNotFound('docker')));
    const { gathered, files } = await gather({ host, api });
    expect(files.has('objects/pods.json')).toBe(true);
    const reasons = new Set(
      gathered.missing.filter(({ what }) => what.startsWith('kind-worker')).map(({ why }) => why),
    );
    expect([...reasons]).toEqual(['docker: command not found']);
  });

  test('a node whose container is gone is told once', async () => {
    const asked: string[] = [];
    const host = hostThat((words, options) => {
      asked.push(words);
      return words.includes('exec kind-worker ')
        ? answer('', 1, 'Error response from daemon: No such container: kind-worker\n')
        : good(words, options);
    });
    const { files } = await gather({ host });
    expect(files.has('nodes/kind-control-plane/iptables.txt')).toBe(true);
    expect(asked.filter((words) => words.includes('exec kind-worker ')).length).toBeLessThanOrEqual(4);
  });

  test('an API that does not answer is asked once, and the runtime of the nodes has the logs', async () => {
    let calls = 0;
    const away = apiThat({
      list: () => {
        calls++;
        return Promise.reject(new ApiUnreachable('no answer within 10 s', 'GET /api/v1/pods'));
      },
    });
    const { files, gathered } = await gather({ host: hostThat(good), api: away });
    expect(calls).toBe(1);
    expect(files.has('nodes/kind-worker/logs.txt')).toBe(true);
    expect(files.has('nodes/kind-worker/cilium-status.txt')).toBe(true);
    expect(gathered.missing).toContainEqual({ what: 'pods', why: 'no answer within 10 s' });
  });

  test('kinds that the cluster does not serve are no trouble, and those it serves come after them', async () => {
    const some = apiThat({
      list: (plural) =>
        plural.startsWith('cilium')
          ? Promise.reject(new KubeError(404, '', '404 page not found', 'GET'))
          : Promise.resolve([agent]),
    });
    const { gathered, files } = await gather({ host: hostThat(good), api: some });
    expect(gathered.missing).toContainEqual({ what: 'CiliumNode (cilium.io/v2)', why: 'the cluster has none' });
    expect(files.has('objects/tigerastatuses.operator.tigera.io.json')).toBe(true);
  });

  test('a pod that cannot be read through the proxy is read from its node', async () => {
    const blind = apiThat({
      objects: { pods: [probe] },
      proxy: () => Promise.reject(new KubeError(503, '', 'dial tcp: i/o timeout', 'GET')),
    });
    const host = hostThat((words, options) =>
      words.includes('curl') ? answer('{"podResults":{}}') : good(words, options),
    );
    const { files } = await gather({ host, api: blind });
    expect(files.get('readings/goldpinger-1.json')).toBe('{\n "podResults": {}\n}\n');
  });

  test('a disk that takes nothing leaves the list in the result', async () => {
    const full = new MemoryDirectory(() =>
      Object.assign(new Error("ENOSPC: no space left on device, open '/home/x'"), { code: 'ENOSPC' }),
    );
    const { gathered } = await gather({ host: hostThat(good), api, directory: full });
    expect(gathered.entries).toEqual([]);
    expect(gathered.readme).toContain('ENOSPC: no space left on device');
    expect(gathered.readme).not.toContain('/home/x');
  });
});

describe('time', () => {
  test('nothing that hangs holds it up longer than the limit', async () => {
    const { took, gathered } = await gather({ host: hostThat(never), api: apiThat({ list: never }) });
    expect(took).toBeLessThanOrEqual(FULL_MS);
    expect(gathered.missing.map(({ what }) => what)).toContain('kind-worker: NAT and filter rules');
  });

  test('a cancelled run takes seconds, and what is had in them', async () => {
    const { took, files } = await gather({ host: hostThat(never), api, extent: 'quick' });
    expect([...files.keys()].sort()).toEqual([
      'README.md',
      'index.json',
      'objects/nodes.json',
      'objects/pods.json',
      'pods.txt',
    ]);
    expect(took).toBe(0);
    const hanging = await gather({ host: hostThat(never), api: apiThat({ list: never }), extent: 'quick' });
    expect(hanging.took).toBeLessThanOrEqual(QUICK_MS);
  });

  test('a signal ends it at once, with what there is by then', async () => {
    const controller = new AbortController();
    const host = hostThat((words, options) => (words.includes('iptables') ? never() : good(words, options)));
    const { took, gathered } = await gather({ host, api, signal: controller.signal }, (clock) =>
      clock.after(1_500, () => controller.abort(new Error('SIGINT'))),
    );
    expect(took).toBe(1_500);
    expect(gathered.entries.length).toBeGreaterThan(5);
    expect(gathered.missing).toContainEqual({
      what: 'kind-worker: NAT and filter rules',
      why: 'there was no time left',
    });
  });
});

test('secrets are masked, wherever they come from', async () => {
  const secret = 'hunter2hunter2';
  const withEnv = {
    ...probe,
    spec: { nodeName: 'kind-worker', containers: [{ name: 'c', env: [{ name: 'DB_PASSWORD', value: secret }] }] },
  };
  const leaky = apiThat({
    objects: { pods: [withEnv as never] },
    raw: () => Promise.resolve({ status: 200, body: `connecting with --password=${secret}\npassword: ${secret}\n` }),
  });
  const host = hostThat(() => answer(`"HTTP_PROXY=http://me:${secret}@proxy:3128"\nauthToken=${secret}\n`));
  const log = { of: 'helm', text: `Error: --password ${secret} is wrong` };
  const { files, gathered } = await gather({ host, api: leaky, log, headline: `it failed with token=${secret}` });
  for (const [name, text] of files) expect(`${name}: ${text}`).not.toContain(secret);
  expect(JSON.stringify(gathered.tail)).not.toContain(secret);
  expect(files.get('objects/pods.json')).toContain('DB_PASSWORD');
});

test('size: files keep their end, all together keep their bound, and the list says so', async () => {
  const flood = `${'x'.repeat(99)}\n`.repeat(1_000);
  const host = hostThat((words) => answer(words.includes(' ls ') ? '' : `${flood}the last line\n`));
  const { gathered, files } = await gather({ host, limits: { file: 10_000, total: 60_000 } });
  const size = gathered.entries.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(size).toBeLessThanOrEqual(60_000);
  const long = gathered.entries.filter(({ file }) => !file.endsWith('/cni.txt'));
  expect(long.length).toBeGreaterThan(4);
  for (const { bytes, file, note } of long) {
    expect(bytes).toBeLessThanOrEqual(10_000);
    expect(files.get(file)).toMatch(/the last line\n$/);
    expect(note).toBe('its beginning was cut');
    expect(files.get(file)).toMatch(/^\(its beginning was cut: it had 98 KiB\)\n/);
  }
  expect(gathered.missing.some(({ why }) => why.startsWith('the bundle is full'))).toBe(true);
});

test('whatever each door does, all pieces are accounted for, once, in time', async () => {
  const whole = whatOf(await gather({ host: hostThat(good), api }));
  const misdeed = fc.constantFrom('good', 'hang', 'fail', 'time-out', 'throw', 'flood', 'babble', 'empty');
  await fc.assert(
    fc.asyncProperty(
      fc.array(misdeed, { minLength: 1, maxLength: 9 }),
      fc.array(misdeed, { minLength: 1, maxLength: 5 }),
      async (ofHost, ofApi) => {
        let at = 0;
        const host = hostThat((words, options) => {
          switch (ofHost[at++ % ofHost.length]) {
            case 'hang':
              return never();
            case 'fail':
              return answer('', 1, 'oops\n');
            case 'time-out':
              return Promise.reject(new CommandTimedOut('docker', 1));
            case 'throw':
              return Promise.reject(new Error('spawn EMFILE'));
            case 'flood':
              return answer('y'.repeat(3_000_000));
            case 'babble':
              return answer('\u0000\u001b[31m\ufffd\n', 0, '\u0007');
            case 'empty':
              return answer('');
            default:
              return good(words, options);
          }
        });
        let call = 0;
        // The first list decides what else there is; it is good here.
        const broken = apiThat({
          list: (plural) => {
            const how = plural === 'pods' && call === 0 ? 'good' : ofApi[call % ofApi.length];
            call++;
            if (how === 'hang') return never();
            if (how === 'fail' || how === 'babble')
              return Promise.reject(new KubeError(500, '', 'etcdserver: no leader', 'GET'));
            if (how === 'throw' || how === 'time-out') return Promise.reject(new ApiUnreachable('lost', 'GET'));
            return Promise.resolve(plural === 'pods' ? [agent, probe] : [probe]);
          },
        });
        const outcome = await gather({ host, api: broken });
        expect(whatOf(outcome)).toEqual(whole);
        expect(outcome.took).toBeLessThanOrEqual(FULL_MS);
        expect(outcome.files.has('README.md')).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});
