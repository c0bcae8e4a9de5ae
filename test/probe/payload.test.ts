import { describe, expect, it } from 'vitest';
import type { CommandResult, Host } from '../../src/host/host.ts';
import { PayloadReader } from '../../src/probe/payload.ts';

/** Answers by the command that is run in the node. */
function nodeOf(answers: Record<string, Partial<CommandResult> | Error>): { host: Host; ran: string[] } {
  const ran: string[] = [];
  const host: Host = {
    run: async (command, args) => {
      const [exec, node, ...words] = args;
      ran.push([command, exec, node, ...words].join(' '));
      const answer = answers[words.slice(0, 2).join(' ')] ?? answers[words[0] ?? ''];
      if (answer instanceof Error) throw answer;
      return { exitCode: 0, stdout: '', stderr: '', ...answer };
    },
  };
  return { host, ran };
}

const FROM = { node: 'kind-worker', pod: 'nodepinger-x', uid: 'u', ip: '192.168.1.1' };
const WHOLE = { 'crictl pods': { stdout: 'abc\n' }, 'crictl inspectp': { stdout: '4711\n' } };
const fetch = (reader: PayloadReader) => reader.fetch(FROM, { ip: '10.244.1.2' }, { timeoutMs: 5_000 });

describe('PayloadReader', () => {
  it('runs the words of decision 0003 and looks a process up once', async () => {
    const { host, ran } = nodeOf({ ...WHOLE, nsenter: { stdout: '200:263767' } });
    const reader = new PayloadReader(host);
    expect(await fetch(reader)).toEqual({ ok: true, bytes: 263767, error: '' });
    await fetch(reader);
    const get =
      'docker exec kind-worker nsenter --target 4711 --net curl --silent --show-error --noproxy * --max-time 5 --output /dev/null --write-out %{http_code}:%{size_download} http://10.244.1.2:8080/static/jquery/3.1.0/jquery.js';
    expect(ran).toEqual([
      'docker exec kind-worker crictl pods --namespace default --name ^nodepinger-x$ --state ready --quiet',
      'docker exec kind-worker crictl inspectp --output go-template --template {{.info.pid}} abc',
      get,
      get,
    ]);
  });

  it.each<[string, Record<string, Partial<CommandResult> | Error>, string]>([
    [
      'a part',
      { ...WHOLE, nsenter: { exitCode: 18, stdout: '200:1400', stderr: 'curl: (18) transfer closed' } },
      '(18)',
    ],
    ['nothing', { ...WHOLE, nsenter: { exitCode: 28, stdout: '000:0', stderr: 'curl: (28) timed out' } }, '(28)'],
    ['another page', { ...WHOLE, nsenter: { stdout: '404:19' } }, 'HTTP 404'],
    ['a small page', { ...WHOLE, nsenter: { stdout: '200:19' } }, 'only 19 bytes'],
    ['no sandbox', { ...WHOLE, 'crictl pods': { stdout: '' } }, 'no ready sandbox of nodepinger-x'],
    ['no process', { ...WHOLE, 'crictl inspectp': { stdout: '' } }, 'no process of nodepinger-x'],
    ['no docker', { 'crictl pods': new Error('docker: command not found') }, 'command not found'],
  ])('%s is not whole', async (_, answers, error) => {
    const result = await fetch(new PayloadReader(nodeOf(answers).host));
    expect(result.ok).toBe(false);
    expect(result.error).toContain(error);
  });

  it('looks the process up again after a failure', async () => {
    const answers: Record<string, Partial<CommandResult>> = { ...WHOLE, nsenter: { stdout: '200:263767' } };
    const { host, ran } = nodeOf(answers);
    const reader = new PayloadReader(host);
    await fetch(reader);
    answers.nsenter = { exitCode: 1, stderr: 'nsenter: cannot open /proc/4711/ns/net' };
    await fetch(reader);
    answers.nsenter = { stdout: '200:263767' };
    expect((await fetch(reader)).ok).toBe(true);
    expect(ran.filter((command) => command.includes('crictl pods'))).toHaveLength(2);
  });
});
