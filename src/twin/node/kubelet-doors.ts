/** What the parts of a kubelet share. */
import type { Pod } from '../../kube/objects.ts';
import type { Random } from '../../time/random.ts';
import type { Machine, World } from '../world.ts';
import type { PodStatus } from './status.ts';

export interface KubeletDoors {
  readonly world: World;
  readonly machine: Machine;
  readonly random: Random;
  /** Milliseconds until the next survey of the containers. */
  untilRelist(): number;
  nextPid(): number;
  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Patches the status, now or as soon as an API server serves. */
  postStatus(pod: Pod, status: PodStatus): void;
  /** The pod has ended on this node: its object may go. */
  removed(pod: Pod): void;
}
