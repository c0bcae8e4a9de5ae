/**
 * Which controller manager and scheduler lead, and whether they can act. They run beside an API server on a control
 * plane; when that node goes, or no API server serves, nothing is reconciled until a new process has been elected.
 */
import type { World } from '../world.ts';

/** A standby cannot know when a lease it did not watch was renewed, so it waits one whole lease from its first look (client-go leaderelection: LeaseDuration 15 s, RetryPeriod 2 s, the defaults of kubeadm). */
const LEASE_MS = 15_000;
const RETRY_MS = 2_000;
const LOOK_MS = 1_000;

export interface ControlPlane {
  readonly world: World;
  /** True while a leader acts; looks at the world as it is now. */
  active(): boolean;
  /** Called whenever a new leader starts: it lists everything anew. */
  onElected(hook: () => void): void;
  /** Called about once a second, leader or not. */
  onTick(hook: () => void): void;
}

/** Starts the election and its one timer. */
export function startControlPlane(world: World): ControlPlane {
  const random = world.random('controllers/election');
  const elected: (() => void)[] = [];
  const ticks: (() => void)[] = [];
  let leader: { name: string; startedAt: number } | undefined;
  let freeAt: number | undefined;
  let everHeld = false;

  const candidate = (): { name: string; startedAt: number } | undefined => {
    if (world.machines.size === 0) return { name: '', startedAt: 0 };
    const machine = [...world.machines.values()]
      .filter((one) => one.role === 'control-plane' && one.running())
      .sort((a, b) => (a.name < b.name ? -1 : 1))[0];
    return machine && { name: machine.name, startedAt: machine.startedAt() };
  };
  const stillThere = (holder: { name: string; startedAt: number }): boolean => {
    if (holder.name === '') return world.machines.size === 0;
    const machine = world.machines.get(holder.name);
    return machine?.running() === true && machine.startedAt() === holder.startedAt;
  };
  const check = (): boolean => {
    const serving = world.apiAvailable();
    if (leader !== undefined) {
      if (serving && stillThere(leader)) return true;
      leader = undefined;
    }
    if (!serving) {
      freeAt = undefined;
      // A cluster that was deleted leaves no lease behind.
      if (world.machines.size === 0) everHeld = false;
      return false;
    }
    const next = candidate();
    if (next === undefined) return false;
    if (everHeld) {
      freeAt ??= world.time.now() + LEASE_MS + random.integer(0, RETRY_MS);
      if (world.time.now() < freeAt) return false;
    }
    freeAt = undefined;
    everHeld = true;
    leader = next;
    for (const hook of elected) hook();
    return true;
  };
  const tick = (): void => {
    check();
    for (const hook of ticks) hook();
    world.time.after(LOOK_MS, tick);
  };
  world.time.after(0, tick);
  return {
    world,
    active: check,
    onElected: (hook) => void elected.push(hook),
    onTick: (hook) => void ticks.push(hook),
  };
}
