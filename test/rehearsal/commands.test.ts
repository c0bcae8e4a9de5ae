import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CommandOptions, CommandResult, Host } from '../../src/host/host.ts';
import { PayloadReader } from '../../src/probe/payload.ts';
import { Commands, deleteCluster } from '../../src/rehearsal/commands.ts';
import { CommandFailed } from '../../src/rehearsal/outcome.ts';

class FakeHost implements Host {
  readonly spoken: string[] = [];
  readonly stdin: (string | undefined)[] = [];
  readonly answer: (words: string) => Partial<CommandResult>;
  constructor(answer: (words: string) => Partial<CommandResult> = () => ({})) {
    this.answer = answer;
  }
  run(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
    const words = [command, ...args].join(' ');
    this.spoken.push(words);
    this.stdin.push(options.stdin);
    return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', ...this.answer(words) });
  }
}

function commands(host: Host, simulated = true): Commands {
  return new Commands({ host, signal: new AbortController().signal, kubeconfig: '/tmp/secret/kubeconfig', simulated });
}

/** The rehearsal's words of the decision record as patterns: what is written in capitals varies. */
const TABLE = readFileSync(new URL('../../docs/decisions/0003-commands-on-nodes.md', import.meta.url), 'utf8')
  .split('### Words of faults')[0]!
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map((match) => match[1]!))
  .map((words) => {
    const parts = words.split(/\b(FILE\.\.\.|NODE|NAME|FILE|NS|POD|PID|ID|URL|ADDRESS|S|V)(?=\s|$|\$)/);
    const pattern = parts.map((part, index) => {
      if (index % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return part === 'FILE...' ? '\\S+(?: \\S+)*' : '\\S+';
    });
    return new RegExp(`^${pattern.join('')}$`);
  });

describe('the words spoken to the host', () => {
  test('are exactly those of the decision record', async () => {
    const host = new FakeHost((words) => {
      if (words.includes('docker inspect')) return { stdout: '[{}]' };
      if (words.includes('crictl pods')) return { stdout: 'abc\n' };
      if (words.includes('crictl inspectp')) return { stdout: '42\n' };
      return words.includes('nsenter') ? { stdout: '200:264000' } : { stdout: '' };
    });
    const spoken = commands(host);
    await spoken.toolVersions();
    await spoken.clusters();
    await spoken.createCluster('kind', 'kind: Cluster', 1_000);
    await spoken.installCilium('1.19.6', 'a: 1', 1_000);
    await spoken.container('kind-worker');
    await spoken.restartNode('kind-worker');
    await spoken.cniFiles('kind-worker');
    await spoken.readFile('kind-worker', '/etc/cni/net.d/x');
    await spoken.removeFiles('kind-worker', ['/a', '/b']);
    await spoken.kernel('kind-worker');
    await spoken.httpStatus('kind-worker', 'http://10.244.0.1:4240/hello', 3);
    await spoken.httpStatus('kind-control-plane', 'https://127.0.0.1:6443/readyz', 3);
    await spoken.httpBody('kind-worker', 'http://127.0.0.1:32042/metrics', 5);
    await spoken.httpStatus('kind-worker', 'https://10.244.0.1:10250/healthz', 3);
    await deleteCluster(host, 'kind', '/tmp/secret/kubeconfig');
    const from = { node: 'kind-worker', pod: 'nodepinger-x', uid: 'u', ip: '10.244.0.9' };
    await new PayloadReader(host).fetch(from, { ip: '10.244.1.9' }, { timeoutMs: 1_000 });
    const strange = host.spoken.filter((words) => !TABLE.some((pattern) => pattern.test(words)));
    expect(strange).toEqual([]);
    expect(TABLE.filter((pattern) => !host.spoken.some((words) => pattern.test(words)))).toEqual([]);
  });

  test('values and configuration go by standard input, never by an argument', async () => {
    const host = new FakeHost();
    await commands(host).installCilium('1.19.6', 'secret: yes', 1_000);
    expect(host.stdin).toEqual(['secret: yes']);
    expect(host.spoken.join()).not.toContain('secret:');
  });
});

describe('answers', () => {
  test('a failed command tells what was said, without paths of this machine', async () => {
    const host = new FakeHost(() => ({ exitCode: 1, stderr: 'cannot read /tmp/secret/kubeconfig\n' }));
    const error = await commands(host)
      .installCilium('1', '', 1)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CommandFailed);
    expect((error as Error).message).not.toContain('/tmp/secret');
    expect((error as Error).message).toContain('cannot read KUBECONFIG');
  });

  test('exit code 64 is no answer on the twin, and one of many elsewhere', async () => {
    const host = new FakeHost(() => ({ exitCode: 64, stderr: 'not modelled' }));
    await expect(commands(host).httpStatus('n', 'http://1.2.3.4/', 1)).rejects.toThrow(CommandFailed);
    await expect(commands(host, false).httpStatus('n', 'http://1.2.3.4/', 1)).resolves.toMatchObject({ status: 0 });
  });

  test('a container that does not exist is told from a Docker that does not answer', async () => {
    const gone = new FakeHost(() => ({ exitCode: 1, stderr: 'Error: No such container: n' }));
    await expect(commands(gone).container('n')).resolves.toBeUndefined();
    const down = new FakeHost(() => ({ exitCode: 1, stderr: 'Cannot connect to the Docker daemon' }));
    await expect(commands(down).container('n')).rejects.toThrow(CommandFailed);
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '\u001b[31mpanic: runtime error'],
    ['half of it', '[{"State":{"Run'],
    ['no container', '[]'],
    ['something else', '{"State":{}}'],
  ])('a docker inspect that answers with %s has not answered', async (_, stdout) => {
    const host = new FakeHost(() => ({ stdout }));
    await expect(commands(host).container('n')).rejects.toThrow(/^docker inspect n answered with no container: /);
  });

  test('versions that tools babble stay short', async () => {
    const host = new FakeHost(() => ({ stdout: `${'v'.repeat(100_000)}\n` }));
    for (const version of Object.values(await commands(host).toolVersions())) {
      expect(version.length).toBeLessThanOrEqual(60);
    }
  });

  test('files come in the order in which the runtime takes them', async () => {
    const host = new FakeHost(() => ({ stdout: 'calico-kubeconfig\n10-calico.conflist\n05-cilium.conflist\n' }));
    expect(await commands(host).cniFiles('n')).toEqual([
      '05-cilium.conflist',
      '10-calico.conflist',
      'calico-kubeconfig',
    ]);
  });
});

test('nodes of a batch are never down together, because Docker would let them swap their addresses', async () => {
  let down = 0;
  const seen: number[] = [];
  const host: Host = {
    run: async () => {
      seen.push(++down);
      await Promise.resolve();
      down--;
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  };
  const spoken = commands(host);
  const order: string[] = [];
  await Promise.all(['a', 'b', 'c'].map((node) => spoken.restartNode(node, () => order.push(node))));
  expect(seen).toEqual([1, 1, 1]);
  expect(order).toEqual(['a', 'b', 'c']);
});

describe('a cluster that kind cannot make', () => {
  // Cut from kind 0.33 with kubeadm 1.34 on a machine where no control plane came up.
  const KUBEADM = [
    'Creating cluster "k1" ...',
    ' ✗ Starting control-plane 🕹️',
    'ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec --privileged k1-control-plane kubeadm init --config=/kind/kubeadm.conf --v=6" failed with error: exit status 1',
    'Command Output: I1127 16:02:01.000000 initconfiguration.go:261] loading configuration',
    '[kubelet-check] The kubelet is healthy after 1.0s',
    'error: error execution phase wait-control-plane: failed while waiting for the control plane to start: kube-apiserver check failed at https://172.18.0.5:6443/livez',
    'To see the stack trace of this error execute with --v=5 or higher',
    'main.main',
    'runtime.goexit',
    '\t/usr/local/go/src/runtime/asm_amd64.s:1771',
  ].join('\n');

  test.each<[string, string, RegExp]>([
    [
      'says which phase of kubeadm failed, not where in Go',
      KUBEADM,
      /failed to init node with kubeadm \/ error: error execution phase wait-control-plane: .*livez$/,
    ],
    ['keeps a full disk', `${KUBEADM}\nwrite /var/lib/etcd: no space left on device`, /no space left on device$/],
    [
      'keeps every other word of kind',
      'ERROR: failed to create cluster: node(s) already exist for a cluster with the name "kind"',
      /already exist for a cluster/,
    ],
  ])('%s', async (_, stderr, message) => {
    const host = new FakeHost(() => ({ exitCode: 1, stderr }));
    const error: unknown = await commands(host)
      .createCluster('k1', '', 1_000)
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toBeInstanceOf(CommandFailed);
    expect((error as CommandFailed).message).toMatch(message);
    expect((error as CommandFailed).message).not.toMatch(/goexit|asm_amd64/);
  });
});
