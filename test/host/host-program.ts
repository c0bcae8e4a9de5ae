/** A process with a command under way that ends in one of several ways; started by `real-host.test.ts`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { realHost } from '../../src/host/real-host.ts';
import { WallClock } from '../../src/time/wall-clock.ts';

const [mode, directory] = process.argv.slice(2) as [string, string];
const clock = new WallClock();
const script = 'echo "$$" >"$1/pid"; while [ ! -e "$1/go" ]; do sleep 0.05; done; echo fine';

if (mode === 'interrupted') {
  process.on('SIGINT', () => {
    console.log('interrupted');
    writeFileSync(path.join(directory, 'go'), '');
  });
}
const running = realHost({ clock }).run('sh', ['-c', script, 'sh', directory], { timeoutMs: 60_000 });
if (mode !== 'interrupted') {
  const pid = path.join(directory, 'pid');
  // Written, not only made: the command is killed with us.
  while (!existsSync(pid) || !readFileSync(pid, 'utf8').endsWith('\n')) await clock.sleep(20);
  if (mode === 'exit') process.exit(1);
  // Thrown where nobody catches it.
  queueMicrotask(() => {
    throw new Error('unforeseen');
  });
}
const { exitCode, stdout } = await running;
console.log(`${exitCode} ${stdout.trim()}`);
