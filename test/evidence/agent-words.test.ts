/** The script that asks an agent on its node, run by a shell behind whose crictl stands a script of ours. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Door } from '../../src/evidence/items.ts';
import { nodeItems } from '../../src/evidence/node.ts';
import type { Host } from '../../src/host/host.ts';

let bin: string;
beforeEach(() => {
  bin = mkdtempSync(path.join(tmpdir(), 'crictl-'));
});
afterEach(() => rmSync(bin, { recursive: true, force: true }));

const host: Host = {
  run: async (_command, [, , ...words]) => {
    const [program = '', ...args] = words;
    const env = { PATH: `${bin}:/usr/bin:/bin` };
    return promisify(execFile)(program, args, { env }).then(
      ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ exitCode: code as number, stdout: String(stdout), stderr: String(stderr) }),
    );
  },
};

async function status(crictl: string): Promise<string> {
  writeFileSync(path.join(bin, 'crictl'), `#!/bin/sh\n${crictl}\n`);
  chmodSync(path.join(bin, 'crictl'), 0o755);
  const look = { host, node: 'n', door: new Door('n'), agent: true, runtimeLogs: false, onJournal: () => undefined };
  const item = nodeItems(look).find(({ file }) => file.endsWith('cilium-status.txt'))!;
  return item.gather(new AbortController().signal);
}

test('an agent that is not well says so and ends with 1: that is what is wanted', async () => {
  const said = 'if [ $1 = ps ]; then echo id; else echo "$4: Kubelet not found"; exit 1; fi';
  expect(await status(said)).toBe('cilium-dbg: Kubelet not found\n');
});

test('before 1.15 its program is called cilium', async () => {
  const old =
    'if [ $1 = ps ]; then echo id; elif [ $4 = cilium ]; then echo "OK $*"; else echo "exec: \\"$4\\": executable file not found in \\$PATH" >&2; exit 1; fi';
  expect(await status(old)).toBe('OK exec --sync id cilium status --verbose\n');
});

test('no agent is told as such', async () => {
  await expect(status(':')).rejects.toThrow('no cilium-agent runs here');
});
