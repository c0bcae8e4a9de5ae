/** What tests ask of other processes. */
import { existsSync, readFileSync } from 'node:fs';
import { WallClock } from '../../src/time/wall-clock.ts';

const clock = new WallClock();

/** Whether it runs. One that has ended and that nobody has asked how does not run. */
export function isRunning(pid: number): boolean {
  if (existsSync('/proc/self/stat')) {
    try {
      // The name in parentheses may hold anything, so the state is looked for behind the last one.
      return !/^ [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, ''));
    } catch {
      return false;
    }
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until it is so. @throws Error after 30 s. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  using limit = clock.deadline(30_000);
  while (!isSo()) {
    if (limit.signal.aborted) throw new Error(`not within 30 s: ${what}`);
    await clock.sleep(20);
  }
}

/** Waits until the process has ended. */
export const gone = (pid: number): Promise<void> => until(`process ${pid} has ended`, () => !isRunning(pid));
