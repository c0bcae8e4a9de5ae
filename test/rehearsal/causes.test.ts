/** True error texts, each with its tool and source, and what they are taken for. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { causeInLog, causeOfCommand, causeOfPull } from '../../src/rehearsal/causes.ts';
import { CommandFailed, failureOf } from '../../src/rehearsal/outcome.ts';

const samples = <T>(file: string): T[] =>
  parse(readFileSync(new URL(`../fixtures/error-texts/${file}`, import.meta.url), 'utf8')) as T[];

interface Sample {
  readonly tool: string;
  readonly source: string;
  readonly is: string;
}
const commands = samples<Sample & { command: string; stderr: string }>('commands.yaml');
const pulls = samples<Sample & { text: string }>('pulls.yaml');

const signal = new AbortController().signal;
const word = (cause: { verdict: string; reason: string } | undefined): string =>
  cause ? `${cause.verdict} ${cause.reason}` : 'none';

describe('a failed command', () => {
  test.each(commands)('$tool ($source): $is', ({ command, stderr, is }) => {
    const cause = causeOfCommand(command, stderr);
    expect(word(cause)).toBe(is);
    for (const afterBaseline of [false, true]) {
      const error = new CommandFailed(command, 1, stderr);
      const failure = failureOf(error, { afterBaseline, simulated: false, signal }, 'the-step');
      // Where, what and what now, on one line that is no log; the log is kept beside it.
      expect(failure.message).toMatch(/^the-step: /);
      expect(failure.message).toContain(command);
      if (cause) for (const part of [cause.what, cause.remedy]) expect(failure.message).toContain(part);
      expect(failure.message).not.toContain('\n');
      expect(failure.message.length).toBeLessThan(1_200);
      expect(failure.log).toEqual({ of: `${command.split(' ').slice(0, 3).join(' ')} (stderr)`, text: stderr });
    }
  });

  test('every reason that a command can have has a sample', () => {
    expect(new Set(commands.map(({ is }) => is))).toEqual(
      new Set([
        ...['error download-failed', 'error disk-full', 'error provision-failed', 'error tool-failed'],
        ...['error node-container-gone', 'refused image-missing', 'refused scenario-invalid'],
        ...['refused version-unknown', 'refused chart-rejected-values', 'none'],
      ]),
    );
  });

  test('the line that says why is told, however much a child of kind printed behind it', () => {
    const noise = Array.from({ length: 500 }, (_, at) => `I1019 08:35:${at} round_trippers.go:553] GET /healthz`);
    const why = 'ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec" failed';
    const error = new CommandFailed(
      'kind create cluster',
      1,
      ['Creating cluster', why, ...noise, 'the end'].join('\n'),
    );
    expect(error.message).toContain('failed to init node with kubeadm');
    expect(error.message).toMatch(/the end$/);
    expect(error.message.length).toBeLessThan(1_000);
  });
});

test.each(commands.filter(({ stderr }) => /^docker: Error response from daemon: /m.test(stderr)))(
  "of a node's whole docker run what the daemon says is told: $tool ($source)",
  ({ command, stderr }) => {
    const { message } = new CommandFailed(command, 1, stderr);
    expect(message).toMatch(/^kind create cluster: exit code 1: ERROR: failed to create cluster/);
    expect(message).toContain(/Error response from daemon: [^\n]+/.exec(stderr)![0]);
    expect(message).not.toContain('docker run');
  },
);

describe('a failed pull', () => {
  test.each(pulls)('$tool ($source): $is', ({ text, is }) => {
    expect(word(causeOfPull(text))).toBe(is);
  });
});

test.each([
  ['error runner-overloaded', 'failed to create fsnotify watcher: too many open files'],
  ['error runner-overloaded', 'inotify_add_watch /etc/cni/net.d: no space left on device'],
  ['error disk-full', 'write /var/run/cilium/state/x: no space left on device'],
  ['none', 'level=error msg="unable to connect" error="connection refused"'],
])('the last words of a container: %s', (is, text) => {
  expect(word(causeInLog(text))).toBe(is);
});

test('our own write that finds no room is a full disk, wherever it stands in the chain', () => {
  const system = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const failure = failureOf(
    new Error('the kubeconfig cannot be written', { cause: system }),
    { afterBaseline: true, simulated: false, signal },
    's',
  );
  expect(word(failure)).toBe('error disk-full');
});
