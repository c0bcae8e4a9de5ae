/** Who holds a roll-out up: the numbers of a DaemonSet say how many pods are missing, not which and where. */
import { pods } from '../kube/resources.ts';
import { WaitTimeout } from '../kube/wait.ts';
import type { Rehearsal } from './rehearsal.ts';
import { isReady, podName, whyNotReady } from './rollout.ts';

/** More than these would hide what the message is about. */
const MOST = 5;

/**
 * Waits, and when the time is over names the pods that are not Ready, with their nodes and why.
 * @throws WaitTimeout
 */
export async function namingUnready(
  rehearsal: Rehearsal,
  { namespace, prefix }: { namespace: string; prefix: string },
  wait: () => Promise<unknown>,
): Promise<void> {
  try {
    await wait();
  } catch (error) {
    if (!(error instanceof WaitTimeout)) throw error;
    const unready = await unreadyPods(rehearsal, namespace, prefix);
    if (unready.length === 0) throw error;
    const more = unready.length > MOST ? `; ${unready.length - MOST} more` : '';
    const seen = `${error.lastSeen}: ${unready.slice(0, MOST).join('; ')}${more}`;
    throw new WaitTimeout(error.what, seen, { cause: error });
  }
}

async function unreadyPods({ rawApi }: Rehearsal, namespace: string, prefix: string): Promise<string[]> {
  try {
    const { items } = await rawApi.list(pods, { namespace });
    return items
      .filter((pod) => pod.metadata.name.startsWith(prefix) && !isReady(pod))
      .map((pod) => `${podName(pod)} on ${pod.spec?.nodeName ?? 'no node'}: ${whyNotReady(pod)}`);
  } catch {
    // An API that does not answer now leaves the numbers as they are.
    return [];
  }
}
