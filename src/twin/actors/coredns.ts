/** CoreDNS: answers once its cache is filled; the names themselves are looked up by whoever asks (see goldpinger/external-probes.ts). */
import type { World } from '../world.ts';

/** From the start of the process to `/ready` on 8181, with the kubernetes plugin in sync. */
const SYNC_MS = 2_000;
/** How often it tries to reach the API until then. */
const RETRY_MS = 500;
/** health plugin in kubeadm's Corefile: `lameduck 5s`. */
const LAMEDUCK_MS = 5_000;

/** Registers the program under `coredns/coredns` and `coredns`, as kubeadm names the image. */
export function registerCoreDns(world: World): void {
  for (const key of ['coredns/coredns', 'coredns']) {
    world.programs.register(key, (context) => {
      let serving = false;

      const sync = (): void => {
        const api = world.store.get('services', 'kubernetes', 'default') as
          | { spec?: { clusterIP?: string } }
          | undefined;
        const reached =
          world.apiAvailable() &&
          world.network.connect({ podUid: context.podUid }, { ip: api?.spec?.clusterIP ?? '', port: 443 }).ok;
        if (reached) serving = true;
        else context.after(RETRY_MS, sync);
      };
      context.after(SYNC_MS, sync);
      return {
        ports: [53, 8080, 8181, 9153],
        http: (port, path) => {
          if (port === 8080 && path === '/health') return { status: 200, body: 'OK' };
          if (port === 8181 && path === '/ready') {
            return serving ? { status: 200, body: 'OK' } : { status: 503, body: 'kubernetes' };
          }
          return { status: 404, body: '404 page not found\n' };
        },
        probe: (kind) => kind !== 'readiness' || serving,
        terminate: () => LAMEDUCK_MS,
      };
    });
  }
}
