/** `kind export logs` into a real directory: bounded, masked, and gone afterwards. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { MARKER, prepareReportDirectory } from '../../src/report/directory.ts';
import { evidenceDirectory } from '../../src/session/evidence-directory.ts';
import { answer, gather, hostThat, never } from './rig.ts';

let base: string;
let report: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'rehearse-kind-logs-'));
  report = join(base, 'report');
  prepareReportDirectory(report);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

let scratch = '';
/** Writes what kind v0.32 writes (pkg/cluster/provider.go CollectLogs, providers/docker/provider.go). */
const exporting = (nodes: readonly string[], exitCode = 0, stderr = ''): Host =>
  hostThat((words) => {
    if (!words.startsWith('kind export logs ')) return answer('text\n');
    scratch = words.split(' ')[3]!;
    for (const node of nodes) {
      mkdirSync(join(scratch, node, 'pods', 'kube-system_etcd'), { recursive: true });
      mkdirSync(join(scratch, node, 'containers'));
      writeFileSync(
        join(scratch, node, 'kubelet.log'),
        `E1127 10:00:00 kubelet.go:1] too many open files\npassword: hunter22\n`,
      );
      writeFileSync(join(scratch, node, 'journal.log'), `${'j'.repeat(200)}\n`.repeat(10_000));
      writeFileSync(join(scratch, node, 'pods', 'kube-system_etcd', '0.log'), 'etcd\n');
      symlinkSync('/etc/passwd', join(scratch, node, 'pods', 'link.log'));
      writeFileSync(join(scratch, node, 'containers', 'etcd.log'), 'etcd once more\n');
      writeFileSync(join(scratch, node, 'images.log'), '');
    }
    writeFileSync(join(scratch, 'kind-version.txt'), 'kind v0.32.0\n');
    return answer(scratch, exitCode, stderr);
  });

const read = (name: string): string => readFileSync(join(report, 'evidence', name), 'utf8');

test('what the nodes of a cluster that never came up wrote is kept, the journals first', async () => {
  const { gathered } = await gather({
    ...{ host: exporting(['kind-control-plane']), extent: 'no-cluster', directory: evidenceDirectory(report, true) },
    blamed: { nodes: [], text: '', nodeFailed: true },
  });
  const files = gathered.entries.map(({ file }) => file).filter((file) => file.startsWith('kind/'));
  expect(files).toEqual([
    'kind/kind-control-plane/journal.log',
    'kind/kind-control-plane/kubelet.log',
    'kind/kind-control-plane/pods/kube-system_etcd/0.log',
    'kind/kind-version.txt',
  ]);
  expect(read('kind/kind-control-plane/kubelet.log')).toContain('password: (masked)');
  expect(read('kind/kind-control-plane/journal.log').length).toBeLessThan(600_000);
  expect(read('kind/kind-control-plane/journal.log')).toMatch(/^\(its beginning was cut\)\n/);
  expect(gathered.tail?.of).toBe('kind/kind-control-plane/kubelet.log');
  expect(existsSync(scratch)).toBe(false);
  expect(readFileSync(join(report, MARKER), 'utf8')).toContain('evidence/kind/kind-control-plane/kubelet.log\n');
});

test('a node that does not run keeps nobody from having what the others wrote', async () => {
  const stderr =
    'ERROR: command "docker exec --privileged kind-worker cat /kind/version" failed with error: exit status 1\n';
  const { gathered } = await gather({
    host: exporting(['kind-control-plane'], 1, stderr),
    extent: 'no-cluster',
    directory: evidenceDirectory(report, true),
  });
  expect(gathered.entries.map(({ file }) => file)).toContain('kind/kind-control-plane/kubelet.log');
  expect(gathered.missing.find(({ what }) => what === 'kind export logs')?.why).toContain('kind-worker');
  expect(existsSync(scratch)).toBe(false);
});

test('kind that knows no such cluster, or hangs, is told, and leaves no directory', async () => {
  const directory = evidenceDirectory(report, true);
  const unknown = hostThat((words) => {
    if (!words.startsWith('kind ')) return answer('text\n');
    scratch = words.split(' ')[3]!;
    return answer('', 1, `ERROR: unknown cluster "kind"\n`);
  });
  const told = await gather({ host: unknown, extent: 'no-cluster', directory });
  expect(told.gathered.missing).toContainEqual({
    what: 'kind export logs',
    why: 'exit code 1: ERROR: unknown cluster "kind"',
  });
  expect(existsSync(scratch)).toBe(false);
  const hanging = hostThat((words) => (words.startsWith('kind ') ? never() : answer('text\n')));
  const hung = await gather({ host: hanging, extent: 'no-cluster', directory });
  expect(hung.gathered.missing).toContainEqual({ what: 'kind export logs', why: 'no answer within 60 s' });
  // The nodes are looked at all the same.
  expect(read('nodes/kind-control-plane/journal-kubelet.log')).toBe('text\n');
});
