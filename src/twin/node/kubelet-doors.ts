/** What the parts of a kubelet share. */
import type { Pod } from '../../kube/objects.ts';
import type { Random } from '../../time/random.ts';
import type { Machine, World } from '../world.ts';
import type { ContainerRecord } from './records.ts';
import type { PodStatus } from './status.ts';

export interface KubeletDoors {
  readonly world: World;
  readonly machine: Machine;
  readonly random: Random;
  /** Milliseconds until the next survey of the containers. */
  untilRelist(): number;
  nextPid(): number;
  /** An event about a pod; `container`: about this one of its containers. */
  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: ContainerRecord): void;
  /** The same of what went well; kept only where such events are. */
  routine(pod: Pod, reason: string, message: string, container?: ContainerRecord): void;
  /** Patches the status, now or as soon as an API server serves. */
  postStatus(pod: Pod, status: PodStatus): void;
  /** The pod has ended on this node: its object may go. */
  removed(pod: Pod): void;
}
