/** A kubeconfig for kubectl, readable by its owner only, never over somebody's own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { RunProblem } from '../session/problem.ts';

const HEADER = '# Made by rehearse serve; it goes when the server ends.\n';

export interface KubeconfigFile {
  /** Absolute. */
  readonly path: string;
  /** Removes what {@link writeKubeconfig} made. */
  remove(): void;
}

/**
 * @param file where the user wants it; undefined: a directory of its own among the machine's temporary files
 * @throws RunProblem when there is a file that is not ours, or it cannot be written
 */
export function writeKubeconfig(file: string | undefined, cluster: { url: string; token: string }): KubeconfigFile {
  const directory = file === undefined ? mkdtempSync(join(tmpdir(), 'rehearse-serve-')) : undefined;
  const path = directory === undefined ? resolve(file!) : join(directory, 'kubeconfig');
  if (file !== undefined) refuseForeign(file, path);
  try {
    writeFileSync(path, HEADER + textOf(cluster), { mode: 0o600 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RunProblem('refused', `--kubeconfig ${path}: cannot be written (${why}); its directory must exist`);
  }
  return {
    path,
    remove: () => rmSync(directory ?? path, { force: true, recursive: directory !== undefined }),
  };
}

/** @throws RunProblem */
export function refuseForeign(file: string, path = resolve(file)): void {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    const why = code === 'EISDIR' ? 'it is a directory' : (error as Error).message;
    throw new RunProblem(
      'refused',
      `--kubeconfig ${file}: ${why}; name a file that is not there yet in ${dirname(path)}`,
    );
  }
  if (text.startsWith(HEADER)) return;
  throw new RunProblem(
    'refused',
    `--kubeconfig ${file}: there is a file that rehearse serve did not make, and it stays as it is; name another one`,
  );
}

function textOf({ url, token }: { url: string; token: string }): string {
  const name = 'rehearse';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    // kubectl sends no bearer token over plain HTTP; `insecure-skip-tls-verify` is what @kubernetes/client-node wants for it.
    clusters: [{ name, cluster: { server: `${url}/${token}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
