/** kind's local-path-provisioner: runs, listens on nothing and waits for claims that the twin never makes. */
import type { World } from '../world.ts';

/** Registers the program under `kindest/local-path-provisioner`. */
export function registerLocalPathProvisioner(world: World): void {
  world.programs.register('kindest/local-path-provisioner', () => ({ ports: [] }));
}
