/** The action on kind, as far as it goes without one: nothing installed, and post after a main that was killed. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkedOutAction, FakeRunner, type StepEnd } from './runner.ts';

let action: string;
beforeAll(async () => {
  action = await checkedOutAction();
});
afterAll(() => rmSync(action, { recursive: true, force: true }));

const annotations = ({ commands }: StepEnd) => commands.filter(({ command }) => /error|warning|notice/.test(command));

test('without Docker the step says so, and leaves nothing behind', async () => {
  using runner = new FakeRunner(action);
  const main = await runner.main({
    inputs: { scenario: 'minimal' },
    env: { PATH: path.join(runner.directory, 'none') },
  });
  expect(main).toMatchObject({ code: 1, stderr: '', outputs: { verdict: 'error', simulated: 'false' } });
  expect(['tool-missing', 'tool-failed']).toContain(main.outputs.reason);
  expect(annotations(main)).toHaveLength(1);
  expect(main.state.cluster).toBeUndefined();
  expect(await runner.post(main)).toMatchObject({ code: 0, commands: [], stderr: '' });
});

test('a tool that was asked for by its version is not quietly another one', async () => {
  using runner = new FakeRunner(action);
  const asked: string[] = [];
  const publisher = createServer(({ url }, response) => {
    asked.push(url ?? '');
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => publisher.listen(0, '127.0.0.1', resolve));
  try {
    const bin = path.join(runner.directory, 'bin');
    mkdirSync(bin);
    for (const [name, answer] of [
      ['docker', '28.0.4'],
      ['kind', 'kind v0.32.0 go1.26.3 linux/amd64'],
      ['helm', 'v3.21.4'],
    ]) {
      writeFileSync(path.join(bin, name!), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
    }
    const { port } = publisher.address() as AddressInfo;
    const main = await runner.main({
      inputs: { scenario: 'minimal', 'kind-version': '0.31.9', 'download-base-url': `http://127.0.0.1:${port}/tools` },
      env: { PATH: bin },
    });
    expect(main).toMatchObject({ code: 1, stderr: '', outputs: { verdict: 'refused', reason: 'version-unknown' } });
    expect(annotations(main)).toHaveLength(1);
    expect(annotations(main)[0]?.message).toContain('0.31.9');
    expect(asked.every((url) => url.startsWith('/tools/kind/v0.31.9/'))).toBe(true);
    expect(main.state.cluster).toBeUndefined();
  } finally {
    publisher.close();
  }
});

/** What a killed run has left: events without a verdict, a marker, and a container behind a docker of ours. */
async function killed(runner: FakeRunner): Promise<Record<string, string>> {
  const main = await runner.main({ inputs: { provider: 'twin', scenario: 'minimal', until: 'baseline' } });
  const directory = path.join(runner.workspace, 'rehearsal-report');
  const lines = runner.read('rehearsal-report', 'events.ndjson').trimEnd().split('\n').slice(0, -1);
  writeFileSync(path.join(directory, 'events.ndjson'), `${lines.join('\n')}\n`);
  const state = path.join(runner.directory, '.local/state/cni-rehearsal');
  const own = path.join(state, 'kind-a');
  mkdirSync(own, { recursive: true });
  const marker = {
    cluster: 'kind',
    pid: 1,
    started: '',
    directory: own,
    containers: ['one'],
    expected: 1,
    network: '',
    kept: false,
  };
  writeFileSync(path.join(state, 'kind.json'), JSON.stringify(marker));
  const bin = path.join(runner.directory, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(runner.directory, 'containers'), 'one\tcontrol-plane\n');
  const program = (name: string, body: string): void => {
    const head = `#!/bin/sh\nPATH=/usr/bin:/bin\ncd '${runner.directory}'\necho ${name} "$@" >>words\n`;
    writeFileSync(path.join(bin, name), `${head}${body}\n`);
    chmodSync(path.join(bin, name), 0o755);
  };
  program('docker', 'case $1 in ps) cut -f1 containers ;; inspect) cat containers ;; *) exit 1 ;; esac');
  program('kind', 'case $1 in delete) : >containers ;; *) exit 1 ;; esac');
  const cluster = JSON.stringify({ name: 'kind', kubeconfig: path.join(own, 'kubeconfig') });
  return { directory: main.state.directory!, keep: 'never', cluster };
}

test('post gathers evidence, makes the reports and deletes the cluster, once', async () => {
  using runner = new FakeRunner(action);
  const state = await killed(runner);
  const env = { PATH: path.join(runner.directory, 'bin') };
  const post = await runner.post({ state }, { env });
  expect(post).toMatchObject({ code: 0, stderr: '', outputs: { verdict: 'interrupted' } });
  expect(annotations(post)).toEqual([]);
  expect(post.log.join('\n')).toContain('the cluster kind was deleted');
  expect(existsSync(path.join(runner.directory, '.local/state/cni-rehearsal/kind.json'))).toBe(false);
  expect(runner.read('rehearsal-report', 'evidence', 'README.md')).toContain('The events end without a verdict');
  const words = (): string[] => readFileSync(path.join(runner.directory, 'words'), 'utf8').split('\n');
  const deletions = (): number => words().filter((line) => line.startsWith('kind delete')).length;
  expect(deletions()).toBe(1);
  await runner.post({ state }, { env });
  expect(deletions()).toBe(1);
});

test('post keeps what it was told to keep', async () => {
  using runner = new FakeRunner(action);
  const state = { ...(await killed(runner)), keep: 'failed' };
  const post = await runner.post({ state }, { env: { PATH: path.join(runner.directory, 'bin') } });
  expect(post).toMatchObject({ code: 0, stderr: '' });
  expect(post.log.join('\n')).toContain('the cluster kind is kept');
  expect(existsSync(path.join(runner.directory, '.local/state/cni-rehearsal/kind.json'))).toBe(true);
});

test('a cluster that cannot be deleted is a warning with the command, and no red job', async () => {
  using runner = new FakeRunner(action);
  const state = await killed(runner);
  const post = await runner.post({ state }, { env: { PATH: path.join(runner.directory, 'none') } });
  expect(post).toMatchObject({ code: 0, stderr: '', outputs: { verdict: 'interrupted' } });
  expect(annotations(post).map(({ command }) => command)).toEqual(['warning']);
  expect(annotations(post)[0]?.message).toContain('kind delete cluster --name kind');
});
