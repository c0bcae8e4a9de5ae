import { beforeAll, describe, expect, it } from 'vitest';
import { linksAsJson, routesAsJson } from '../../../src/twin/commands/docker-ip.ts';
import { boundPod, createCluster, type Rig } from '../node/rig.ts';

const CURL = ['curl', '--silent', '--show-error', '--noproxy', '*', '--max-time', '5'];
const CODE = ['--output', '/dev/null', '--write-out', '%{http_code}'];

let rig: Rig;
const node = (...args: string[]) => rig.run('docker', ['exec', 'kind-worker', ...args]);

beforeAll(async () => {
  rig = await createCluster(1, 1);
  rig.installCni();
  rig.world.programs.register('app', () => ({
    ports: [80],
    http: (_port, path) =>
      path === '/big' ? { status: 200, body: '', bytes: 264_000 } : { status: 200, body: 'hello' },
  }));
  rig.time.advance(30_000);
  for (const name of ['web', 'client']) rig.world.store.create('pods', boundPod(name, 'kind-worker'));
  rig.time.advance(20_000);
});

describe('docker', () => {
  it('tells its version and refuses containers that are not there', async () => {
    expect(await rig.run('docker', ['version', '--format', '{{.Server.Version}}'])).toMatchObject({
      exitCode: 0,
      stdout: '28.0.4\n',
    });
    for (const args of [
      ['inspect', '--type', 'container', 'nobody'],
      ['exec', 'nobody', 'ls', '-1A', '/etc/cni/net.d'],
      ['restart', '-t', '30', 'nobody'],
    ]) {
      const result = await rig.run('docker', args);
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toBe('Error response from daemon: No such container: nobody\n');
    }
  });

  it('inspects a node', async () => {
    const { stdout } = await rig.run('docker', ['inspect', '--type', 'container', 'kind-worker']);
    const machine = rig.cluster.machines.get('kind-worker')!;
    expect(JSON.parse(stdout)).toMatchObject([
      {
        Id: machine.containerId,
        Name: '/kind-worker',
        State: { Status: 'running', Running: true, ExitCode: 0 },
        Config: { Labels: { 'io.x-k8s.kind.cluster': 'kind', 'io.x-k8s.kind.role': 'worker' } },
        NetworkSettings: { Networks: { kind: { IPAddress: machine.address } } },
      },
    ]);
    expect(Date.parse(JSON.parse(stdout)[0].State.StartedAt)).toBe(machine.startedAt());
  });

  it.each([
    ['ps'],
    ['run', 'x'],
    ['exec', 'kind-worker', 'ls', '/etc/cni/net.d'],
    ['exec', 'kind-worker', 'cat', '-n', '/x'],
    ['exec', 'kind-worker', 'rm', '-rf', '/etc'],
    ['exec', 'kind-worker', 'ip', 'link'],
    ['exec', 'kind-worker', 'iptables-save', '-t', 'nat'],
    ['exec', 'kind-worker', 'curl', 'http://172.18.0.2/'],
    ['exec', 'kind-worker', 'crictl', 'ps'],
    ['exec', 'kind-worker', 'ping', '-c', '1', '-W', '2', '172.18.0.2'],
    ['exec', 'kind-worker', 'sh', '-c', 'true'],
    ['exec', '-it', 'kind-worker', 'sh'],
  ])('does not model %j', async (...args) => {
    const result = await rig.run('docker', args);
    expect(result).toMatchObject({ exitCode: 64, stdout: '' });
    expect(result.stderr).toBe(`not modelled by the twin: docker ${args.join(' ')}\n`);
  });
});

describe('files of a node', () => {
  it('are listed, read and removed', async () => {
    const { files } = rig.world.machines.get('kind-worker')!;
    files.write('/etc/cni/net.d/99-x.conf', 'content\n');
    expect((await node('ls', '-1A', '/etc/cni/net.d')).stdout).toBe('10-plain.conflist\n99-x.conf\n');
    expect((await node('cat', '/etc/cni/net.d/99-x.conf')).stdout).toBe('content\n');
    expect((await node('rm', '-f', '/etc/cni/net.d/99-x.conf', '/nothing')).exitCode).toBe(0);
    expect(files.read('/etc/cni/net.d/99-x.conf')).toBeUndefined();
    expect(await node('cat', '/etc/cni/net.d/99-x.conf')).toMatchObject({
      exitCode: 1,
      stderr: 'cat: /etc/cni/net.d/99-x.conf: No such file or directory\n',
    });
    expect(await node('ls', '-1A', '/no/such')).toMatchObject({
      exitCode: 2,
      stderr: "ls: cannot access '/no/such': No such file or directory\n",
    });
  });
});

describe('the network seen from a node', () => {
  it('reaches the API server of another node', async () => {
    const address = rig.world.machines.get('kind-control-plane')!.address;
    const args = ['curl', '--silent', '--show-error', '--insecure', ...CURL.slice(3), ...CODE];
    expect(await node(...args, `https://${address}:6443/readyz`)).toMatchObject({ exitCode: 0, stdout: '200' });
    const own = await rig.run('docker', ['exec', 'kind-control-plane', ...args, 'https://127.0.0.1:6443/readyz']);
    expect(own).toMatchObject({ exitCode: 0, stdout: '200' });
    expect(await node(...args, 'https://127.0.0.1:6443/readyz')).toMatchObject({ exitCode: 7, stdout: '000' });
  });

  it('reads bodies, and names failures as curl does', async () => {
    const ip = rig.pod('web')!.status!.podIP!;
    expect(await node(...CURL, `http://${ip}:80/`)).toMatchObject({ exitCode: 0, stdout: 'hello' });
    const refused = await node(...CURL, `http://${ip}:81/`);
    expect(refused).toMatchObject({ exitCode: 7, stdout: '' });
    expect(refused.stderr).toMatch(/^curl: \(7\) Failed to connect to .* port 81 /);
    const from = rig.time.now();
    const lost = await node(...CURL, ...CODE, 'http://172.18.77.77:80/');
    expect([7, 28]).toContain(lost.exitCode);
    expect(lost.stdout).toBe('000');
    if (lost.exitCode === 28) expect(rig.time.now() - from).toBeGreaterThanOrEqual(5_000);
  });

  it('goes through a pod by its sandbox', async () => {
    const sandbox = ['crictl', 'pods', '--namespace', 'default', '--name', '^client$', '--state', 'ready', '--quiet'];
    const id = (await node(...sandbox)).stdout.trim();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    const inspect = ['crictl', 'inspectp', '--output', 'go-template', '--template', '{{.info.pid}}', id];
    const pid = (await node(...inspect)).stdout.trim();
    const ip = rig.pod('web')!.status!.podIP!;
    const get = ['--output', '/dev/null', '--write-out', '%{http_code}:%{size_download}', `http://${ip}:80/big`];
    expect(await node('nsenter', '--target', pid, '--net', ...CURL, ...get)).toMatchObject({
      exitCode: 0,
      stdout: '200:264000',
    });
    expect((await node('nsenter', '--target', '1', '--net', ...CURL, ...get)).stderr).toMatch(/cannot open/);
  });

  it("gets the kubelet's no to strangers from another node", async () => {
    const { address } = rig.world.machines.get('kind-control-plane')!;
    const get = [
      '--silent',
      '--show-error',
      '--insecure',
      '--noproxy',
      '*',
      '--max-time',
      '2',
      '--output',
      '/dev/null',
    ];
    const ask = (url: string) => node('curl', ...get, '--write-out', '%{http_code}', url);
    expect(await ask(`https://${address}:10250/healthz`)).toMatchObject({ exitCode: 0, stdout: '401' });
    expect((await ask('https://172.18.77.77:10250/healthz')).exitCode).not.toBe(0);
  });

  it('shows links and routes as iproute2 does', () => {
    const network = rig.world.network.node('kind-worker')!;
    network.addLink({
      name: 'vxlan.calico',
      kind: 'vxlan',
      mtu: 1450,
      port: 4789,
      vni: 4096,
      local: network.address,
      parent: 'eth0',
    });
    network.addLink({ name: 'cilium_vxlan', kind: 'vxlan', mtu: 1450, port: 8473, vni: 0, external: true, up: false });
    network.addRoute('192.168.44.64/26 via 172.18.0.1 dev eth0 proto 80 onlink');
    network.addRoute('blackhole 192.168.204.192/26 proto 80');
    network.addRoute('10.244.1.0/24 via 172.18.0.1 dev eth0 proto kernel mtu 1400');
    const links = JSON.parse(linksAsJson(network));
    const link = (name: string) => links.find((one: { ifname: string }) => one.ifname === name);
    expect(link('vxlan.calico')).toMatchObject({
      flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
      mtu: 1450,
      operstate: 'UNKNOWN',
      linkinfo: { info_kind: 'vxlan', info_data: { id: 4096, port: 4789, link: 'eth0', local: network.address } },
    });
    expect(link('cilium_vxlan')).toMatchObject({
      flags: ['BROADCAST', 'MULTICAST'],
      operstate: 'DOWN',
      linkinfo: { info_data: { port: 8473, external: true } },
    });
    const routes = JSON.parse(routesAsJson(network));
    expect(routes).toContainEqual({ type: 'blackhole', dst: '192.168.204.192/26', protocol: '80', flags: [] });
    expect(routes).toContainEqual({
      dst: '192.168.44.64/26',
      gateway: '172.18.0.1',
      dev: 'eth0',
      protocol: '80',
      flags: ['onlink'],
    });
    expect(routes).toContainEqual({
      dst: '10.244.1.0/24',
      gateway: '172.18.0.1',
      dev: 'eth0',
      protocol: 'kernel',
      metrics: [{ mtu: 1400 }],
      flags: [],
    });
  });
});

describe('links of a fault', () => {
  const link = (...words: string[]) => node('ip', 'link', ...words);

  it('takes the next index, is down, and goes again; the index does not come back', async () => {
    const indexes: number[] = [];
    for (let made = 0; made < 2; made++) {
      expect(await link('add', 'rehearsal0', 'type', 'bridge')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
      const { stdout } = await node('ip', '-json', '-details', 'link', 'show');
      const found = (JSON.parse(stdout) as { ifname: string; ifindex: number; flags: string[] }[]).find(
        ({ ifname }) => ifname === 'rehearsal0',
      )!;
      expect(found).toMatchObject({ operstate: 'DOWN', linkinfo: { info_kind: 'bridge' } });
      indexes.push(found.ifindex);
      expect(await link('del', 'rehearsal0')).toMatchObject({ exitCode: 0, stdout: '' });
    }
    expect(indexes[1]).toBeGreaterThan(indexes[0]!);
  });

  it.each([
    [['add', 'eth0', 'type', 'bridge'], 2, 'RTNETLINK answers: File exists\n'],
    [['del', 'nobody'], 1, 'Cannot find device "nobody"\n'],
  ])('%j fails as iproute2 does', async (words, exitCode, stderr) => {
    expect(await link(...words)).toMatchObject({ exitCode, stderr });
  });

  it.each([[['add', 'x', 'type', 'vxlan']], [['set', 'eth0', 'down']], [['del', 'x', 'force']]])(
    '%j is no word of ours',
    async (words) => {
      expect((await link(...words)).exitCode).toBe(64);
    },
  );
});
