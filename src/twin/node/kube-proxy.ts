/**
 * kube-proxy: on each node where it has synced, Services have the endpoints that the EndpointSlices list as ready. Its
 * rules live in the network namespace: they stay when the process ends and are gone after a restart of the node.
 */
import type { EndpointSlice, Service } from '../../kube/objects.ts';
import type { ServiceBackend, ServiceLookup } from '../network/network.ts';
import type { World } from '../world.ts';

const SLICES = 'endpointslices.discovery.k8s.io';
const SERVICE_NAME = 'kubernetes.io/service-name';
const HEALTH = 10256;
const METRICS = 10249;
/** Start to the first complete sync. */
const SYNC_MS = [300, 900] as const;

export function registerKubeProxy(world: World, clusterCidr: string): void {
  /** Node → start of the container in which the rules were written. */
  const synced = new Map<string, number>();
  const table = serviceTable(world, {
    servicesChanged: () => handOver(),
    endpointsChanged: () => world.network.servicesChanged(),
  });
  const lookup: ServiceLookup = (ip, port, node) => {
    const machine = world.machines.get(node);
    if (machine === undefined || synced.get(node) !== machine.startedAt()) return undefined;
    const found = table();
    return found.clusterIps.get(`${ip}:${port}`) ?? (ip === machine.address ? found.nodePorts.get(port) : undefined);
  };
  // Handing the look-up over again is what tells the network that earlier verdicts no longer hold.
  const handOver = (): void => world.network.setServices(lookup, { clusterCidr });
  handOver();
  world.programs.register('kube-proxy', (context) => {
    const state = { healthy: false };
    const { machine } = context;
    const sync = (): void => {
      // The first sync needs the API server's lists.
      if (!world.apiAvailable()) {
        context.after(1_000, sync);
        return;
      }
      state.healthy = true;
      synced.set(machine.name, machine.startedAt());
      handOver();
    };
    context.after(context.random.integer(...SYNC_MS), sync);
    return {
      ports: [METRICS, HEALTH],
      http: (_port, path) =>
        path === '/healthz' ? { status: state.healthy ? 200 : 503, body: '' } : { status: 404, body: '' },
    };
  });
}

interface ServiceTable {
  readonly clusterIps: ReadonlyMap<string, readonly ServiceBackend[]>;
  readonly nodePorts: ReadonlyMap<number, readonly ServiceBackend[]>;
}

/** The Services as the API has them now; made anew only after a change. `changed`: a Service came, went or moved. */
function serviceTable(
  world: World,
  tell: { servicesChanged: () => void; endpointsChanged: () => void },
): () => ServiceTable {
  let current: ServiceTable | undefined;
  let telling = false;
  world.store.onChange('services', () => {
    current = undefined;
    if (telling) return;
    telling = true;
    world.time.after(0, () => {
      telling = false;
      tell.servicesChanged();
    });
  });
  world.store.onChange(SLICES, () => {
    tell.endpointsChanged();
    current = undefined;
  });
  return () => {
    current ??= build(world);
    return current;
  };
}

function build(world: World): ServiceTable {
  const slices = new Map<string, EndpointSlice[]>();
  for (const slice of world.store.list<EndpointSlice>(SLICES)) {
    const key = `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME]}`;
    slices.set(key, [...(slices.get(key) ?? []), slice]);
  }
  const clusterIps = new Map<string, readonly ServiceBackend[]>();
  const nodePorts = new Map<number, readonly ServiceBackend[]>();
  for (const service of world.store.list<Service>('services')) {
    const ip = service.spec?.clusterIP;
    if (ip === undefined || ip === '' || ip === 'None') continue;
    for (const port of service.spec?.ports ?? []) {
      const found = slices.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [];
      const endpoints = found.flatMap((slice) => backends(slice, port.name ?? ''));
      // One port number may stand for UDP and TCP (DNS); both lead to the same endpoints.
      const known = clusterIps.get(`${ip}:${port.port}`);
      if (known === undefined || known.length === 0) clusterIps.set(`${ip}:${port.port}`, endpoints);
      if (port.nodePort !== undefined) nodePorts.set(port.nodePort, endpoints);
    }
  }
  return { clusterIps, nodePorts };
}

function backends(slice: EndpointSlice, portName: string): ServiceBackend[] {
  const port = slice.ports?.find((one) => (one.name ?? '') === portName)?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .flatMap((endpoint) => endpoint.addresses.map((ip) => ({ ip, port })));
}
