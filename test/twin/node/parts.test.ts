import { describe, expect, it } from 'vitest';
import { imageExists, nodeImageVersion, pullMilliseconds, tagOf } from '../../../src/twin/images.ts';
import { AddressPool, subnetOf } from '../../../src/twin/node/addresses.ts';
import { ApiHealth } from '../../../src/twin/node/api-health.ts';
import { firstConf, pluginType } from '../../../src/twin/node/cni.ts';
import { MachineFiles } from '../../../src/twin/node/files.ts';
import { createProgramCatalogue, repositoryOf } from '../../../src/twin/node/programs.ts';
import { ManualTime } from './manual-time.ts';

describe('addresses of the container network', () => {
  it('gives the lowest free one, and a returned one first', () => {
    const pool = new AddressPool('172.18.0.0/16');
    expect([pool.take(), pool.take(), pool.take()]).toEqual(['172.18.0.2', '172.18.0.3', '172.18.0.4']);
    pool.release('172.18.0.3');
    expect([pool.take(), pool.take()]).toEqual(['172.18.0.3', '172.18.0.5']);
  });

  it('is full when the subnet is', () => {
    const pool = new AddressPool('10.0.0.0/30');
    expect(pool.take()).toBe('10.0.0.2');
    expect(() => pool.take()).toThrow(/no available IPv4 addresses/);
  });

  it.each([
    ['192.168.0.0/16', 0, '192.168.0.0/24'],
    ['192.168.0.0/16', 255, '192.168.255.0/24'],
    ['192.168.0.0/16', 256, undefined],
    ['10.4.0.0/23', 1, '10.4.1.0/24'],
  ])('shares %s by /24: number %i is %s', (cidr, index, expected) => {
    expect(subnetOf(cidr, 24, index)).toBe(expected);
  });
});

describe('files of a node', () => {
  it('keeps the root file system over a start and empties the tmpfs, also under /var/run', () => {
    const files = new MachineFiles(new ManualTime());
    for (const path of ['/etc/cni/net.d/a.conf', '/var/lib/x', '/run/calico/y', '/tmp/z', '/var/run/cilium/w']) {
      files.write(path, path);
    }
    expect(files.read('/run/cilium/w')?.content).toBe('/var/run/cilium/w');
    files.emptyTmpfs();
    expect(files.list('/etc/cni/net.d')).toEqual(['a.conf']);
    expect(files.read('/var/lib/x')).toBeDefined();
    for (const path of ['/run/calico/y', '/tmp/z', '/var/run/cilium/w']) expect(files.read(path)).toBeUndefined();
  });

  it('tells watchers of a directory about every change below it, and nobody else', () => {
    const files = new MachineFiles(new ManualTime());
    const seen: string[] = [];
    const stop = files.watch('/etc/cni/net.d', (name) => seen.push(name));
    files.write('/etc/cni/net.d/a', '1');
    files.write('/etc/other', '1');
    files.rename('/etc/cni/net.d/a', '/etc/cni/net.d/b');
    files.remove('/etc/cni/net.d/b');
    expect(files.remove('/etc/cni/net.d/b')).toBe(false);
    stop();
    files.write('/etc/cni/net.d/c', '1');
    expect(seen).toEqual(['a', 'a', 'b', 'b']);
  });
});

describe('the CNI directory', () => {
  it.each([
    [['10-calico.conflist', '05-cilium.conflist'], '05-cilium.conflist'],
    [['05-cilium.conflist.cilium_bak', '10-calico.conflist', 'calico-kubeconfig'], '10-calico.conflist'],
    [['calico-kubeconfig'], undefined],
    [['b.json', 'a.conf'], 'a.conf'],
  ])('of %j takes %s', (names, expected) => {
    const files = new MachineFiles(new ManualTime());
    for (const name of names) files.write(`/etc/cni/net.d/${name}`, '{}');
    expect(firstConf(files)).toBe(expected);
  });

  it.each([
    ['{"plugins":[{"type":"calico"},{"type":"portmap"}]}', 'calico'],
    ['{"type":"ptp"}', 'ptp'],
    ['not json', undefined],
  ])('reads the plugin of %s', (content, expected) => {
    expect(pluginType(content)).toBe(expected);
  });
});

describe('images', () => {
  it.each([
    ['quay.io/calico/node:v3.31.7', 'calico/node', 'v3.31.7'],
    ['bloomberg/goldpinger', 'bloomberg/goldpinger', 'latest'],
    ['localhost:5000/a/b:1', 'a/b', '1'],
    ['registry.k8s.io/kube-proxy:v1.34.11', 'kube-proxy', 'v1.34.11'],
    ['quay.io/cilium/cilium:v1.19.6@sha256:abc', 'cilium/cilium', 'v1.19.6'],
    ['quay.io/cilium/cilium@sha256:abc', 'cilium/cilium', undefined],
  ])('%s is %s with tag %s', (image, repository, tag) => {
    expect(repositoryOf(image)).toBe(repository);
    expect(tagOf(image)).toBe(tag);
  });

  it.each([
    ['quay.io/calico/node:v3.31.7', true],
    ['quay.io/calico/node:v3.31.99', false],
    ['quay.io/cilium/operator-generic:v1.19.6@sha256:abc', true],
    ['quay.io/cilium/cilium:v9.9.9', false],
    ['docker.io/bloomberg/goldpinger:3.10.2', true],
    ['docker.io/bloomberg/goldpinger:v3.10.2', false],
    ['example.org/my/app:anything', true],
    ['kindest/node:v1.34.11@sha256:abc', true],
    ['kindest/node:v1.34.99', false],
  ])('%s exists: %s', (image, expected) => {
    expect(imageExists(image)).toBe(expected);
  });

  it('takes longer for the larger image', () => {
    expect(pullMilliseconds('quay.io/cilium/cilium:v1.19.6')).toBeGreaterThan(
      pullMilliseconds('docker.io/bloomberg/goldpinger:3.10.2'),
    );
  });

  it.each([
    ['kindest/node:v1.34.11@sha256:44e2', '1.34.11'],
    ['kindest/node:v1.99.0', undefined],
    ['example.org/node:v1.34.11', undefined],
  ])('node image %s brings Kubernetes %s', (image, version) => {
    expect(nodeImageVersion(image)).toBe(version);
  });

  it('finds a program by container before the one by image', () => {
    const programs = createProgramCatalogue();
    const any = () => ({ ports: [1] });
    const special = () => ({ ports: [2] });
    programs.register('calico/node', any);
    programs.register('calico/node#felix', special);
    expect(programs.find('quay.io/calico/node:v1', 'felix')).toBe(special);
    expect(programs.find('quay.io/calico/node:v1', 'other')).toBe(any);
    expect(programs.find('quay.io/calico/cni:v1', 'other')).toBeUndefined();
  });
});

describe('availability of the API', () => {
  it.each([
    { members: 1, etcd: 1, servers: 1, available: true },
    { members: 1, etcd: 0, servers: 1, available: false },
    { members: 1, etcd: 1, servers: 0, available: false },
    { members: 3, etcd: 2, servers: 1, available: true },
    { members: 3, etcd: 1, servers: 3, available: false },
    { members: 5, etcd: 3, servers: 1, available: true },
    { members: 5, etcd: 2, servers: 5, available: false },
  ])('$etcd of $members etcd members and $servers servers: $available', ({ members, etcd, servers, available }) => {
    const api = new ApiHealth(new ManualTime());
    for (let i = 0; i < members; i++) api.etcd(`n${i}`, true);
    for (let i = etcd; i < members; i++) api.etcd(`n${i}`, false);
    for (let i = 0; i < servers; i++) api.server(`n${i}`, true);
    expect(api.available()).toBe(available);
  });

  it('tells once that it came and once that it went', () => {
    const time = new ManualTime();
    const api = new ApiHealth(time);
    const told: string[] = [];
    api.onUp(() => told.push('up'));
    api.onDown(() => told.push('down'));
    api.etcd('a', true);
    api.server('a', true);
    time.advance(1);
    api.server('a', true);
    time.advance(1);
    api.etcd('a', false);
    api.server('a', false);
    expect(told).toEqual(['up', 'down']);
  });
});
