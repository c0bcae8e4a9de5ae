/** `kind export logs`, for a cluster that never came up: what its nodes wrote before there was an API to ask. */
import type { Host } from '../host/host.ts';
import type { Clock } from '../time/clock.ts';
import type { Bundle, Scratch, ScratchFile } from './bundle.ts';
import { inTime } from './in-time.ts';
import { Door, LookFailed, reasonOf } from './items.ts';

export const EXPORT_MS = 60_000;
/** Of each file; kubelets and containerd repeat themselves. */
const MOST_BYTES = 512 * 1024;
const WHAT = 'kind export logs';

/** The journals first; copies of pods' logs are in `pods`, and `containers` holds them once more. */
function ranked(files: readonly ScratchFile[]): ScratchFile[] {
  const rank = ({ name }: ScratchFile): number =>
    /\/(kubelet|containerd|journal|serial)\.log$/.test(name) ? 0 : name.includes('/pods/') ? 1 : 2;
  return files
    .filter(({ name, bytes }) => bytes > 0 && !name.includes('/containers/'))
    .sort((a, b) => rank(a) - rank(b));
}

export interface KindLogs {
  readonly host: Host;
  readonly clock: Clock;
  readonly cluster: string;
  readonly scratch: () => Scratch;
}

/** Never throws: what hinders it is noted in the bundle. */
export async function exportKindLogs(
  { host, clock, cluster, scratch }: KindLogs,
  bundle: Bundle,
  signal: AbortSignal,
  onText: (file: string, text: string) => void,
): Promise<void> {
  try {
    using directory = scratch();
    const { exitCode, stderr } = await inTime(clock, EXPORT_MS, signal, (until) => {
      const words = ['export', 'logs', directory.path, '--name', cluster];
      return host.run('kind', words, { timeoutMs: EXPORT_MS, signal: until });
    });
    // One node that does not run makes it fail; what the others wrote is there.
    if (exitCode !== 0) {
      const failed = new LookFailed(exitCode, stderr.replaceAll(directory.path, 'DIR'));
      bundle.lacks(WHAT, reasonOf(failed, new Door('kind')));
    }
    for (const file of ranked(directory.files())) {
      const name = `kind/${file.name}`;
      const text = bundle.add(name, `${WHAT}: ${file.name}`, file.tail(MOST_BYTES));
      if (text !== null) onText(name, text);
    }
  } catch (error) {
    bundle.lacks(WHAT, reasonOf(error, new Door('kind')));
  }
}
