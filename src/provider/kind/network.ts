/** The Docker network that kind makes for its nodes and leaves behind. */
import type { Host } from '../../host/host.ts';

const LOOK_MS = 30_000;

/**
 * Removes a network that the run has brought, unless a container of somebody else has come to it.
 * @param network its name; '': there is none to remove
 */
export async function dropNetwork(host: Host, network: string): Promise<void> {
  if (network === '') return;
  const ask = (...args: string[]) => host.run('docker', args, { timeoutMs: LOOK_MS });
  const { exitCode, stdout } = await ask('ps', '--all', '--quiet', '--filter', `network=${network}`);
  if (exitCode === 0 && stdout.trim() === '') await ask('network', 'rm', network);
}
