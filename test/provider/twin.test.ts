import { describe, expect, it } from 'vitest';
import { ApiUnreachable } from '../../src/kube/api.ts';
import { nodes, pods } from '../../src/kube/resources.ts';
import { createTwinProvider, type TwinProviderOptions } from '../../src/provider/twin.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { clusterYaml } from '../twin/node/rig.ts';

const SCENARIO = {
  cluster: { nodeSubnet: '172.18.0.0/16', podSubnet: '192.168.0.0/16', serviceSubnet: '10.96.0.0/16' },
  kubernetes: { version: '1.34.11' },
  preflight: { allow: [] },
} as unknown as Scenario;

/** Every watch line, every answer and their times, from creation to the return of the restarted control plane. */
async function walk(options: Partial<TwinProviderOptions>): Promise<string[]> {
  const provider = createTwinProvider({ scenario: SCENARIO, seed: 7, ...options });
  const { clock, host, kubeconfig } = provider;
  const log: string[] = [];
  const note = (text: string): void => void log.push(`${clock.now()} ${text}`);
  const run = async (command: string, args: string[], stdin = ''): Promise<void> =>
    note(JSON.stringify(await host.run(command, args, { stdin, timeoutMs: 600_000 })));
  await provider.run(async () => {
    const create = ['create', 'cluster', '--name', 'kind', '--config', '-', '--kubeconfig', kubeconfig, '--retain'];
    await run('kind', create, clusterYaml(1, 1));
    const api = await provider.connect(kubeconfig);
    const list = await api.list(pods);
    const stop = new AbortController();
    const watch = api
      .watch(pods, { resourceVersion: list.resourceVersion, signal: stop.signal }, (event) =>
        note(JSON.stringify(event)),
      )
      .catch((error: Error) => note(error.name));
    await Promise.all([run('docker', ['inspect', '--type', 'container', 'kind-worker']), api.list(nodes)]);
    await clock.sleep(25_000);
    const restart = run('docker', ['restart', '-t', '30', 'kind-control-plane']);
    await clock.sleep(2_000);
    await expect(api.list(nodes)).rejects.toBeInstanceOf(ApiUnreachable);
    await restart;
    for (let tries = 0; ; tries++) {
      const answer = await api.list(nodes).catch(() => undefined);
      if (answer !== undefined) {
        note(`${answer.items.length} nodes after ${tries} tries`);
        break;
      }
      await clock.sleep(1_000);
    }
    stop.abort();
    await watch;
  });
  await provider.close();
  return log;
}

describe('the twin behind its doors', () => {
  it('is the same in process and over sockets, batched or not, shaken or not', async () => {
    const reference = await walk({});
    expect(reference.length).toBeGreaterThan(10);
    const shake = (action: () => void): void => void setTimeout(action, Math.random() * 2);
    const variants: Partial<TwinProviderOptions>[] = [
      {},
      { batch: false },
      { transport: 'loopback' },
      { transport: 'loopback', jitter: shake },
      { transport: 'loopback', jitter: shake, batch: false },
    ];
    for (const variant of variants) expect(await walk(variant)).toEqual(reference);
    expect(await walk({ seed: 8 })).not.toEqual(reference);
  }, 60_000);

  it('has no API before a cluster, no command that it does not know, and ends a command in time', async () => {
    const provider = createTwinProvider({ scenario: SCENARIO, seed: 1 });
    await provider.run(async () => {
      await expect(provider.connect(provider.kubeconfig)).rejects.toThrow(/no cluster/);
      await expect(provider.host.run('git', [], { timeoutMs: 1_000 })).rejects.toMatchObject({
        name: 'CommandNotFound',
      });
      expect(await provider.host.run('cilium', ['status'], { timeoutMs: 1_000 })).toMatchObject({ exitCode: 64 });
      const create = ['create', 'cluster', '--name', 'kind', '--config', '-', '--kubeconfig', 'k', '--retain'];
      const options = { stdin: clusterYaml(1, 1), timeoutMs: 5_000 };
      await expect(provider.host.run('kind', create, options)).rejects.toMatchObject({ name: 'CommandTimedOut' });
      const stop = new AbortController();
      const waiting = provider.host.run('docker', ['restart', '-t', '30', 'kind-worker'], {
        timeoutMs: 60_000,
        signal: stop.signal,
      });
      stop.abort(new Error('enough'));
      await expect(waiting).rejects.toThrow('enough');
    });
    await provider.close();
  });
});
