/** Where helm gets the chart in a closed network. */
import { describe, expect, test } from 'vitest';
import { HELM_REPOSITORY } from '../../../src/cni/cilium.ts';
import { baseUrl } from '../../../src/host/tools/source.ts';
import { chartArguments, withChartsFrom } from '../../../src/provider/kind/chart-source.ts';
import { Commands } from '../../../src/rehearsal/commands.ts';
import { scriptedHost } from './scripted-host.ts';

const INSTALL = ['upgrade', '--install', 'cilium', 'cilium', '--repo', HELM_REPOSITORY, '--version', '1.19.6'];

describe('the chart', () => {
  test.each([
    ['https://mirror.example/tools', ['--repo', 'https://mirror.example/tools/cilium-charts/']],
    [
      'https://me:p%40ss@mirror.example/tools/',
      ['--repo', 'https://mirror.example/tools/cilium-charts/', '--username', 'me', '--password', 'p@ss'],
    ],
  ])('comes from below %s', (base, words) => {
    expect(chartArguments(INSTALL, baseUrl(base)!)).toEqual([
      ...['upgrade', '--install', 'cilium', 'cilium'],
      ...words,
      ...['--version', '1.19.6'],
    ]);
  });

  test("is the publisher's without a base, and nothing but helm's repository is changed", async () => {
    const host = scriptedHost([[/./, '']]);
    expect(withChartsFrom(host, undefined)).toBe(host);
    const base = new URL('https://mirror.example/');
    expect(chartArguments(['version', '--short'], base)).toEqual(['version', '--short']);
    expect(chartArguments(['pull', '--repo', 'https://other.example/'], base)).toEqual([
      ...['pull', '--repo', 'https://other.example/'],
    ]);
    const options = { timeoutMs: 1_000, signal: new AbortController().signal };
    await withChartsFrom(host, 'https://mirror.example').run('echo', INSTALL, options);
    expect(host.asked.at(-1)).toContain(HELM_REPOSITORY);
  });

  test('that does not come is told without name and password', async () => {
    const host = scriptedHost([[/^helm/, { exitCode: 1, stderr: 'Error: 401 Unauthorized' }]]);
    const commands = new Commands({
      host: withChartsFrom(host, 'https://me:secret@mirror.example'),
      ...{ signal: new AbortController().signal, kubeconfig: '/tmp/k', simulated: false },
    });
    const error = await commands.installCilium('1.19.6', 'a: 1', 1_000).catch((thrown: Error) => thrown);
    expect(host.asked.at(-1)).toContain('--username me --password secret');
    expect(String((error as Error).message)).not.toContain('secret');
  });
});
