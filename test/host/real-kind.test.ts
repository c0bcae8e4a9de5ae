/** Real kind of two versions, as far as it speaks without images: its versions, our configuration, refused pulls. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { kindConfig } from '../../src/cni/kind-config.ts';
import { realHost } from '../../src/host/real-host.ts';
import { TOOLS } from '../../src/host/tools/catalogue.ts';
import { setUpTools } from '../../src/host/tools/set-up.ts';
import { versionIn } from '../../src/host/tools/version.ts';
import { deleteCluster } from '../../src/rehearsal/commands.ts';
import { CommandFailed, failureOf } from '../../src/rehearsal/outcome.ts';
import { readScenario } from '../../src/scenario/read.ts';
import { WallClock } from '../../src/time/wall-clock.ts';
import { type PrivateDocker, privateDocker } from './private-dockerd.ts';
import { describeWith } from './real-binaries.ts';
import { type Refusal, startRegistry } from './registry.ts';

const clock = new WallClock();
const LONG = { timeoutMs: 100_000 };
const SCENARIOS = path.resolve(import.meta.dirname, '../../scenarios');

const docker = await privateDocker();
afterAll(async () => {
  if (typeof docker !== 'string') await docker.stop();
});

describeWith('kind', ({ path: kind, minor }) => {
  const host = realHost({ clock, paths: new Map([['kind', kind]]) });

  test.each([
    [['version'], 'of all it knows'],
    [['--version'], 'of its name and number'],
  ])('kind %j tells its version', async (args) => {
    const { exitCode, stdout } = await host.run('kind', args, LONG);
    expect(exitCode).toBe(0);
    expect(versionIn(TOOLS.kind, stdout)).toMatch(new RegExp(`^${minor.replace('.', '\\.')}\\.\\d+`));
  });

  test('it is taken from the PATH where its minor is asked for', async () => {
    const { paths, versions } = await setUpTools(
      { kind: { version: minor } },
      {
        clock,
        signal: new AbortController().signal,
        log: () => undefined,
        environment: { PATH: path.dirname(kind), RUNNER_TOOL_CACHE: path.join(tmpdir(), 'rehearse-nothing-here') },
        // Nobody listens there.
        downloadBaseUrl: 'http://127.0.0.1:9',
      },
    );
    expect(paths.get('kind')).toBe(kind);
    expect(versions.get('kind')).toMatch(new RegExp(`^${minor.replace('.', '\\.')}\\.`));
  });

  test('without an engine it says that there is none', async () => {
    const lost = realHost({
      clock,
      environment: { DOCKER_HOST: 'unix:///no/such/docker.sock' },
      paths: new Map([['kind', kind]]),
    });
    const { exitCode, stdout, stderr } = await lost.run('kind', ['get', 'clusters'], LONG);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^ERROR: failed to list clusters: /m);
  });

  if (typeof docker === 'string') {
    test.skip(`with an engine: ${docker}`, () => undefined);
    return;
  }
  describe('with an engine', () => withEngine(kind, docker));
});

function withEngine(kind: string, { environment }: PrivateDocker): void {
  const host = realHost({ clock, environment, paths: new Map([['kind', kind]]) });
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'rehearse-kind-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** As the rehearsal creates it. */
  const create = (name: string, config: string) => {
    const args = ['create', 'cluster', '--name', name, '--config', '-', '--kubeconfig', path.join(directory, 'config')];
    return host.run('kind', [...args, '--retain'], { ...LONG, stdin: config });
  };

  test('no cluster: nothing on standard output', async () => {
    const { exitCode, stdout, stderr } = await host.run('kind', ['get', 'clusters'], LONG);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: '', stderr: 'No kind clusters found.\n' });
  });

  test('the nodes of what is not there', async () => {
    const { exitCode, stdout } = await host.run('kind', ['get', 'nodes', '--name', 'nobody'], LONG);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  });

  test('what is not there is deleted', async () => {
    await deleteCluster(host, 'nobody', path.join(directory, 'none'));
  });

  test('a field that it does not know is refused', async () => {
    const config = parse(kindConfig(readScenario(path.join(SCENARIOS, 'minimal.yaml'), 'minimal'))) as Record<
      string,
      unknown
    >;
    const { exitCode, stderr } = await create('unknown', stringify({ ...config, podSubnet: '10.0.0.0/16' }));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('unable to decode config: yaml: unmarshal errors:');
    expect(stderr).toContain('field podSubnet not found in type v1alpha4.Cluster');
  });

  test('a network that is none is refused', async () => {
    const config = { kind: 'Cluster', apiVersion: 'kind.x-k8s.io/v1alpha4', networking: { podSubnet: '10.0.0.0/33' } };
    const { exitCode, stderr } = await create('subnet', stringify(config));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('invalid pod subnet failed to parse cidr value:"10.0.0.0/33"');
  });

  // Side by side: kind tries a pull five times, ten seconds in all.
  describe('an image that cannot be pulled', () => {
    test.concurrent('is all that fails with our configuration of every bundled scenario', async () => {
      await using registry = await startRegistry('no such image');
      const names = readdirSync(SCENARIOS).filter((name) => name.endsWith('.yaml'));
      const created = names.map(async (name) => {
        const scenario = readScenario(path.join(SCENARIOS, name), name);
        const image = `${registry.host}/kindest/node:v${scenario.kubernetes.version}`;
        const config = kindConfig({ ...scenario, kubernetes: { ...scenario.kubernetes, image } });
        const { exitCode, stderr } = await create(`x${names.indexOf(name)}`, config);
        return { name, exitCode, pulled: stderr.includes(`failed to pull image "${image}"`) };
      });
      expect(names.length).toBeGreaterThan(5);
      expect(await Promise.all(created)).toEqual(names.map((name) => ({ name, exitCode: 1, pulled: true })));
    });

    test.concurrent.each<[Refusal | 'nobody there', RegExp, { verdict: string; reason?: string }]>([
      ['no such image', /manifest unknown/, { verdict: 'refused', reason: 'image-missing' }],
      ['too many requests', /toomanyrequests: You have reached your pull rate limit/, { verdict: 'error' }],
      ['unavailable', /received unexpected HTTP status: 503 Service Unavailable/, { verdict: 'error' }],
      ['denied', /Error response from daemon: unauthorized/, { verdict: 'error' }],
      ['nobody there', /connection refused/, { verdict: 'error', reason: 'download-failed' }],
    ])('%s: in its words, and by its cause', async (refusal, words, end) => {
      const registry = refusal === 'nobody there' ? undefined : await startRegistry(refusal);
      try {
        const image = `${registry?.host ?? '127.0.0.1:9'}/kindest/node:v1.99.0`;
        const nodes = [{ role: 'control-plane', image }];
        const config = stringify({ kind: 'Cluster', apiVersion: 'kind.x-k8s.io/v1alpha4', nodes });
        const { exitCode, stderr } = await create(refusal.replaceAll(' ', '-'), config);
        expect(exitCode).toBe(1);
        expect(stderr).toContain(`ERROR: failed to create cluster: failed to pull image "${image}"`);
        expect(stderr).toMatch(words);
        const failed = new CommandFailed('kind create cluster', exitCode, stderr);
        const moment = { afterBaseline: false, simulated: false, signal: new AbortController().signal };
        expect(failureOf(failed, moment, 'provision')).toMatchObject(end);
      } finally {
        await registry?.[Symbol.asyncDispose]();
      }
    });
  });

  test('nothing is left of what failed', async () => {
    const { stdout } = await host.run('docker', ['ps', '--all', '--quiet'], LONG);
    expect(stdout).toBe('');
    const networks = await host.run('docker', ['network', 'ls', '--format', '{{.Name}}'], LONG);
    expect(networks.stdout.trim().split('\n').sort()).toEqual(['host', 'none']);
  });
}
