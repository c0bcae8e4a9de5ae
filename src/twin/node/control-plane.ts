/** The programs of a control plane's static pods. The API itself is in twin/api; these decide whether it is served. */
import type { Process, World } from '../world.ts';
import type { ApiHealth } from './api-health.ts';

/** Start to readiness, milliseconds: together with the boot they make the observed 17 to 34 s without an API. */
const ETCD_MS = [900, 2_000] as const;
const API_SERVER_MS = [3_200, 5_500] as const;

export function registerControlPlane(world: World, api: ApiHealth): void {
  world.programs.register('etcd', (context): Process => {
    const { name } = context.machine;
    const state = { up: false };
    // Its peers know it by the address with which it was made; with several members nobody rewrites that (kind 1689).
    const made = /--advertise-client-urls=https:\/\/([\d.]+):/.exec(context.args.join(' '))?.[1];
    const lost = made !== context.machine.address && controlPlanes(world) > 1;
    context.after(context.random.integer(...ETCD_MS), () => {
      if (lost) return;
      state.up = true;
      api.etcd(name, true);
    });
    return {
      ports: [2379, 2380, 2381],
      probe: () => state.up,
      stopped: () => api.etcd(name, false),
    };
  });
  world.programs.register('kube-apiserver', (context): Process => {
    const { name } = context.machine;
    const state = { up: false };
    context.after(context.random.integer(...API_SERVER_MS), () => {
      state.up = true;
      api.server(name, true);
    });
    return {
      get ports() {
        return state.up ? [6443] : [];
      },
      probe: () => api.serves(name),
      http: (_port, path) => {
        const healthy = api.serves(name);
        const known = ['/readyz', '/livez', '/healthz'].includes(path.split('?')[0]!);
        if (!known) return { status: 403, body: '{"kind":"Status","apiVersion":"v1","status":"Failure","code":403}' };
        return healthy ? { status: 200, body: 'ok' } : { status: 500, body: '[-]etcd failed: reason withheld\n' };
      },
      stopped: () => api.server(name, false),
    };
  });
  world.programs.register('kube-controller-manager', () => ({ ports: [10257], probe: () => true }));
  world.programs.register('kube-scheduler', () => ({ ports: [10259], probe: () => true }));
}

const controlPlanes = (world: World): number =>
  [...world.machines.values()].filter((machine) => machine.role === 'control-plane').length;
