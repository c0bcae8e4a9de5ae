/** Raising the machine's inotify limits where we may: as root, or on a CI machine that lets us become root. */
import type { Host } from '../../host/host.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { MachineFinding } from '../machine.ts';
import type { MachineFacts, Machinery } from './machine-facts.ts';
import { raisedInotify } from './preconditions.ts';
import { type InotifyLimits, inotifyNeed } from './sizes.ts';

const LOOK_MS = 30_000;

/** undefined: they do, or are not ours to change. */
export async function raiseInotify(
  { inotify }: Pick<MachineFacts, 'inotify'>,
  { cluster }: Scenario,
  { host, machinery, signal }: { host: Host; machinery: Machinery; signal: AbortSignal },
): Promise<{ limits: InotifyLimits; finding: MachineFinding } | undefined> {
  if (inotify === null) return undefined;
  const need = inotifyNeed(cluster.controlPlanes + cluster.workers);
  if (inotify.instances >= need.instances && inotify.watches >= need.watches) return undefined;
  const sudo = sudoFor(machinery);
  if (sudo === undefined) return undefined;
  const limits = raisedInotify(inotify);
  const assignments = [
    `fs.inotify.max_user_instances=${limits.instances}`,
    `fs.inotify.max_user_watches=${limits.watches}`,
  ];
  const [command = 'sysctl', ...args] = [...sudo, 'sysctl', '-w', ...assignments];
  try {
    const { exitCode } = await host.run(command, args, { timeoutMs: LOOK_MS, signal });
    if (exitCode !== 0) return undefined;
  } catch {
    signal.throwIfAborted();
    // Without the program the limits stay, and are judged as they are.
    return undefined;
  }
  return {
    limits,
    finding: {
      id: 'inotify-raised',
      // It outlives the run, so it is said aloud.
      severity: 'warning',
      message: `inotify limits of this machine were raised, until it is restarted: ${assignments.join(', ')} (before: ${inotify.instances} and ${inotify.watches})`,
      subjects: [],
    },
  };
}

/** The words in front of a command that needs root; undefined: we may not. */
function sudoFor({ platform, env, uid }: Machinery): readonly string[] | undefined {
  if (platform !== 'linux') return undefined;
  if (uid === 0) return [];
  return env.GITHUB_ACTIONS === 'true' ? ['sudo', '-n'] : undefined;
}
