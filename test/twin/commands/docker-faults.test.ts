/** The words that break a node: rules in namespaces of nodes and pods, and units that stay away. */
import { beforeEach, describe, expect, it } from 'vitest';
import { boundPod, createCluster, type Rig } from '../node/rig.ts';

const WORKER = 'kind-worker';
const PLANE = 'kind-control-plane';
const API = ['-p', 'tcp', '--dport', '6443', '-j', 'REJECT', '--reject-with', 'tcp-reset'];
const CURL = ['curl', '--silent', '--show-error', '--noproxy', '*', '--max-time', '5'];

let rig: Rig;
const on = (node: string, ...args: string[]) => rig.run('docker', ['exec', node, ...args]);
const put = (node: string, ...rule: string[]) => on(node, 'iptables', '--wait', '-I', 'INPUT', ...rule);
const take = (node: string, ...rule: string[]) => on(node, 'iptables', '--wait', '-D', 'INPUT', ...rule);
const MISSING = 'Bad rule (does a matching rule exist in that chain?).\n';

beforeEach(async () => {
  rig = await createCluster(1, 1);
});

describe('iptables on a node', () => {
  it.each([
    [['-p', 'udp', '--dport', '8473', '-j', 'DROP'], '-A INPUT -p udp -m udp --dport 8473 -j DROP'],
    [['-s', '10.1.2.3', '-p', 'tcp', '-j', 'DROP'], '-A INPUT -s 10.1.2.3/32 -p tcp -j DROP'],
    [
      ['-s', '10.1.2.3/8', '-p', 'tcp', '--syn', '-j', 'DROP'],
      '-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP',
    ],
    [['-p', 'tcp', '-j', 'REJECT'], '-A INPUT -p tcp -j REJECT --reject-with icmp-port-unreachable'],
  ])('%j is saved as the tool saves it, and taken off again', async (rule, saved) => {
    expect(await put(WORKER, ...rule)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(rig.world.network.node(WORKER)!.rules('filter')[0]).toBe(saved);
    expect(await take(WORKER, ...rule)).toMatchObject({ exitCode: 0 });
    expect(await take(WORKER, ...rule)).toEqual({ exitCode: 1, stdout: '', stderr: `iptables: ${MISSING}` });
  });

  it.each([
    [['-s', '10.1.2.300', '-p', 'tcp', '-j', 'DROP'], 2, /host\/network `10\.1\.2\.300' not found/],
    [['-p', 'tcp', '--dport', 'x', '-j', 'DROP'], 2, /invalid port\/service `x' specified/],
    [['-p', 'tcp', '-j', 'REJECT', '--reject-with', 'x'], 2, /unknown reject type "x"/],
    [['-p', 'udp', '-j', 'REJECT', '--reject-with', 'tcp-reset'], 4, /Invalid argument/],
    [['-p', 'tcp', '-j', 'TARPIT'], 64, /not modelled by the twin/],
    [['-i', 'eth0', '-p', 'tcp', '-j', 'DROP'], 64, /not modelled by the twin/],
  ])('%j ends with %d', async (rule, exitCode, text) => {
    const result = await put(WORKER, ...rule);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr).toMatch(text);
    expect(rig.world.network.node(WORKER)!.rules('filter')).toEqual([]);
  });

  it('goes with the namespace at a restart', async () => {
    await put(WORKER, '-p', 'udp', '--dport', '8473', '-j', 'DROP');
    await rig.run('docker', ['restart', '-t', '30', WORKER]);
    expect(await take(WORKER, '-p', 'udp', '--dport', '8473', '-j', 'DROP')).toMatchObject({ exitCode: 1 });
  });
});

describe('port 6443 of the only control plane rejected', () => {
  it('takes the API away from everybody until the rule is gone', async () => {
    const { api } = rig.cluster;
    const downs: string[] = [];
    api.onDown(() => downs.push('down'));
    expect(api.available()).toBe(true);
    await put(PLANE, ...API);
    expect([api.available(), api.serving(), api.serves(PLANE), downs]).toEqual([false, [], true, ['down']]);
    const readyz = await on(
      PLANE,
      ...CURL.slice(0, 3),
      '--insecure',
      ...CURL.slice(3),
      'https://127.0.0.1:6443/readyz',
    );
    expect(readyz).toMatchObject({ exitCode: 7 });
    const outside = rig.world.network.connect(
      { node: WORKER },
      { ip: rig.cluster.machines.get(PLANE)!.address, port: 6443 },
    );
    expect(outside).toMatchObject({ failure: 'refused', errno: 'connection refused' });
    await take(PLANE, ...API);
    expect([api.available(), api.serving()]).toEqual([true, [PLANE]]);
  });

  it('fails the liveness probe of the API server, which is started again', async () => {
    rig.time.advance(60_000);
    await put(PLANE, ...API);
    rig.time.advance(150_000);
    await take(PLANE, ...API);
    rig.time.advance(60_000);
    const pod = rig.pod(`kube-apiserver-${PLANE}`, 'kube-system')!;
    expect(pod.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
    expect(rig.cluster.api.available()).toBe(true);
  });

  it('is refused by name where the rule tells clients apart, and leaves nothing', async () => {
    const machine = rig.cluster.machines.get(WORKER)!;
    await expect(put(PLANE, '-s', machine.address, ...API)).rejects.toThrow(/let only some reach its API server/);
    await expect(put(PLANE, '-p', 'tcp', '--dport', '6443', '-j', 'DROP')).rejects.toThrow(/dropped without REJECT/);
    expect(rig.world.network.node(PLANE)!.rules('filter')).toEqual([]);
    expect(rig.cluster.api.available()).toBe(true);
  });

  it('over IPv6 meets no packet, and can be taken off once', async () => {
    const words = ['ip6tables', '--wait', '-D', 'INPUT', ...API];
    expect(await on(PLANE, ...words)).toMatchObject({ exitCode: 1, stderr: `ip6tables: ${MISSING}` });
    expect(await on(PLANE, 'ip6tables', '--wait', '-I', 'INPUT', ...API)).toMatchObject({ exitCode: 0 });
    expect(rig.cluster.api.available()).toBe(true);
    expect(await on(PLANE, ...words)).toMatchObject({ exitCode: 0 });
  });
});

it('of three control planes one may be out of reach: the load balancer takes the others', async () => {
  const three = await createCluster(3, 1);
  const planes = [...three.cluster.machines.keys()].filter((name) => name.includes('control-plane')).sort();
  for (const [index, name] of planes.entries()) {
    await three.run('docker', ['exec', name, 'iptables', '--wait', '-I', 'INPUT', ...API]);
    expect(three.cluster.api.serving()).toEqual(planes.slice(index + 1));
    expect(three.cluster.api.available()).toBe(index < 2);
  }
});

describe('rules in the network namespace of a pod', () => {
  const connect = (from: string, to: string) => {
    const uid = rig.pod(from)!.metadata.uid!;
    const outcome = rig.world.network.connect({ podUid: uid }, { ip: rig.pod(to)!.status!.podIP!, port: 80 });
    return outcome.ok ? 'ok' : outcome.failure;
  };
  const inside = async (...args: string[]) => {
    const sandbox = ['crictl', 'pods', '--namespace', 'default', '--name', '^web$', '--state', 'ready', '--quiet'];
    const id = (await on(WORKER, ...sandbox)).stdout.trim();
    const inspect = ['crictl', 'inspectp', '--output', 'go-template', '--template', '{{.info.pid}}', id];
    const pid = (await on(WORKER, ...inspect)).stdout.trim();
    return on(WORKER, 'nsenter', '--target', pid, '--net', 'iptables', '--wait', ...args);
  };

  beforeEach(() => {
    rig.installCni();
    rig.time.advance(30_000);
    for (const name of ['web', 'client']) rig.world.store.create('pods', boundPod(name, WORKER));
    rig.time.advance(20_000);
  });

  it.each([
    ['every packet: answers to its own calls die too', ['-j', 'DROP'], 'timeout', 'timeout'],
    ['SYN only: its own calls are answered', ['--syn', '-j', 'DROP'], 'timeout', 'ok'],
    // The answer is rejected where nobody waits for the error: the caller hears nothing.
    ['rejected', ['-j', 'REJECT', '--reject-with', 'tcp-reset'], 'refused', 'timeout'],
  ])('%s', async (_, rule, incoming, outgoing) => {
    expect([connect('client', 'web'), connect('web', 'client')]).toEqual(['ok', 'ok']);
    const words = ['INPUT', '-s', rig.pod('client')!.status!.podIP!, '-p', 'tcp', ...rule];
    expect(await inside('-I', ...words)).toMatchObject({ exitCode: 0 });
    expect([connect('client', 'web'), connect('web', 'client')]).toEqual([incoming, outgoing]);
    // Its own node and itself are other sources.
    const ip = rig.pod('web')!.status!.podIP!;
    expect(rig.world.network.connect({ node: WORKER }, { ip, port: 80 }).ok).toBe(true);
    expect(connect('web', 'web')).toBe('ok');
    expect(await inside('-D', ...words)).toMatchObject({ exitCode: 0 });
    expect([connect('client', 'web'), connect('web', 'client')]).toEqual(['ok', 'ok']);
    expect(await inside('-D', ...words)).toMatchObject({ exitCode: 1, stderr: `iptables: ${MISSING}` });
  });

  it('go with the sandbox', async () => {
    const from = rig.pod('client')!.status!.podIP!;
    await inside('-I', 'INPUT', '-s', from, '-p', 'tcp', '-j', 'DROP');
    const uid = rig.pod('web')!.metadata.uid!;
    expect(rig.world.network.node(WORKER)!.podRules(uid)).toHaveLength(1);
    await rig.run('docker', ['restart', '-t', '30', WORKER]);
    rig.time.advance(60_000);
    expect(rig.world.network.node(WORKER)!.podRules(uid)).toEqual([]);
    expect(connect('client', 'web')).toBe('ok');
  });

  it('need a source', async () => {
    expect(await inside('-I', 'INPUT', '-p', 'tcp', '-j', 'DROP')).toMatchObject({ exitCode: 64 });
  });

  it('need a process that is there', async () => {
    const words = ['nsenter', '--target', '9', '--net', 'iptables', '--wait', '-I', 'INPUT', '-p', 'tcp', '-j', 'DROP'];
    expect(await on(WORKER, ...words)).toMatchObject({
      exitCode: 1,
      stderr: 'nsenter: cannot open /proc/9/ns/net: No such file or directory\n',
    });
  });
});

describe('systemctl', () => {
  const units = ['containerd', 'kubelet'];

  it('disables units from the next boot on, and enables them again', async () => {
    const machine = rig.cluster.machines.get(WORKER)!;
    const gone = await on(WORKER, 'systemctl', 'disable', ...units);
    expect(gone).toMatchObject({ exitCode: 0 });
    expect(gone.stderr).toMatch(/^Removed '\/etc\/systemd\/system\/multi-user.target.wants\/containerd.service'\.\n/);
    expect(machine.running()).toBe(true);
    await rig.run('docker', ['restart', '-t', '30', WORKER]);
    rig.time.advance(120_000);
    expect([machine.containerRunning, machine.running()]).toEqual([true, false]);
    const node = rig.world.store.get<{
      metadata: { name: string };
      status: { conditions: { type: string; status: string }[] };
    }>('nodes', WORKER)!;
    expect(node.status.conditions.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'Unknown' });
    expect(await on(WORKER, 'ls', '-1A', '/etc/cni/net.d')).toMatchObject({ exitCode: 0 });
    expect((await on(WORKER, 'systemctl', 'enable', ...units)).stderr).toMatch(/^Created symlink/);
    await rig.run('docker', ['restart', '-t', '30', WORKER]);
    rig.time.advance(30_000);
    expect(machine.running()).toBe(true);
  });

  it('knows no other verbs and units', async () => {
    expect(await on(WORKER, 'systemctl', 'mask', 'kubelet')).toMatchObject({ exitCode: 64 });
    expect(await on(WORKER, 'systemctl', 'disable', 'docker')).toMatchObject({ exitCode: 64 });
  });
});
