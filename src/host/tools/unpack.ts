import path from 'node:path';
import { exec } from '@actions/exec';
import { ToolProblem } from './problem.ts';

/**
 * Takes one file out of a .tar.gz whose checksum has been compared, and returns its path. Only that file is unpacked, so no other
 * name in the archive leads anywhere.
 * @throws ToolProblem `unusable`; the signal's reason
 */
export async function unpack(archive: string, member: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const directory = path.dirname(archive);
  let said = '';
  const listeners = {
    stderr: (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-1_000);
    },
  };
  const args = ['-xzf', archive, '-C', directory, member];
  const why = await exec('tar', args, { silent: true, ignoreReturnCode: true, listeners }).then(
    (exitCode) => (exitCode === 0 ? undefined : `tar ended with ${exitCode}: ${said.trim().split('\n').at(-1)}`),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  signal.throwIfAborted();
  if (why === undefined) return path.join(directory, member);
  if (/no space left on device/i.test(why)) throw new ToolProblem('disk-full', `${archive}: ${why}; make room there`);
  throw new ToolProblem('unusable', `${path.basename(archive)} could not be unpacked: ${why}`);
}
