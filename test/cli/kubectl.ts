/** A real kubectl, run to its end. */
import { spawn } from 'node:child_process';

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl with these words; what hangs is ended by the test's own limit. */
export type Kubectl = (words: readonly string[], stdin?: string) => Promise<Said>;

/** @param home where kubectl keeps what it has discovered */
export function kubectlWith(program: string, kubeconfig: string, home: string): Kubectl {
  return (words, stdin = '') =>
    new Promise((resolve, reject) => {
      const child = spawn(program, words, { env: { PATH: process.env.PATH, KUBECONFIG: kubeconfig, HOME: home } });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (data: Buffer) => (stdout += data));
      child.stderr.on('data', (data: Buffer) => (stderr += data));
      child.stdin.on('error', () => undefined);
      child.stdin.end(stdin);
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
}
