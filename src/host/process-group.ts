/** Groups of processes that we started: ended as a whole, and none outlives us. */

const running = new Set<number>();

/** Our end, whichever way: `process.exit`, an exception that nobody caught. Nothing asynchronous runs any more. */
const onExit = (): void => {
  for (const pid of running) endGroup(pid, 'SIGKILL');
};

/** Keeps in mind that the group of this leader runs, until it is disposed of. */
export function startedGroup(pid: number): Disposable {
  if (running.size === 0) process.on('exit', onExit);
  running.add(pid);
  return {
    [Symbol.dispose]: () => {
      running.delete(pid);
      if (running.size === 0) process.off('exit', onExit);
    },
  };
}

/**
 * Sends a signal to every process of the group. Its number belongs to nobody else as long as one of them is there, also after
 * its leader has ended; when none is left there is nothing to do.
 */
export function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: none is left. EPERM (macOS): those that are left are ended already and nobody has asked how.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
