/**
 * A pod's own network namespace: it has rules only where somebody has entered it and put them there. What is in it is gone
 * with the sandbox.
 */
import { parseAddress } from './address.ts';
import type { Tracking } from './conntrack.ts';
import { evaluateHook } from './iptables-evaluate.ts';
import type { RuleHost } from './iptables-match.ts';
import { IptablesTables } from './iptables-tables.ts';
import type { PodAttachment } from './network.ts';
import { dropped, type Packet, rejected } from './packet.ts';

/** Name of a pod's interface in its namespace (CNI_IFNAME of every container runtime). */
const DEVICE = 'eth0';

export class PodNamespace {
  readonly tables = new IptablesTables();
  readonly #pod: PodAttachment;
  readonly #host: RuleHost;

  constructor(pod: PodAttachment, random: () => number) {
    this.#pod = pod;
    const own = parseAddress(pod.ip);
    const isLocal = (address: number): boolean => address === own || address >>> 24 === 127;
    this.#host = {
      node: `${pod.namespace}/${pod.name}`,
      isLocal,
      isLocalOn: (device, address) => device === DEVICE && address === own,
      addressSet: () => undefined,
      deviceTowards: (address) => (isLocal(address) ? 'lo' : DEVICE),
      random,
    };
  }

  /** A packet comes into the pod, or leaves it. @throws PacketLost where a filter rule says so */
  filter(hook: 'INPUT' | 'OUTPUT', packet: Packet): void {
    const chains = this.tables.chains('filter');
    if (chains === undefined) return;
    const own = packet.src === packet.dst;
    const device = own ? 'lo' : DEVICE;
    const verdict = evaluateHook(
      chains,
      hook,
      {
        host: this.#host,
        packet,
        inDevice: hook === 'INPUT' ? device : '',
        outDevice: hook === 'OUTPUT' ? device : '',
        // Each end of a connection tracks it by itself: its first packet is new, the answer belongs to it.
        state: (packet.reply ? 'ESTABLISHED' : 'NEW') satisfies Tracking['state'],
        sourceTranslated: false,
        destinationTranslated: false,
      },
      { notrack: false },
    );
    const where = `iptables filter ${hook} in the pod ${this.#pod.namespace}/${this.#pod.name}`;
    if (verdict.kind === 'drop') throw dropped(packet, `dropped by ${where}`);
    if (verdict.kind === 'reject') throw rejected(packet, verdict.with, `rejected by ${where}`);
  }
}
