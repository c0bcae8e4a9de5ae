/** The container `calico-node`: start-up, address monitor, tunnel addresses, Felix. */
import type { Condition, Node, Pod } from '../../../../kube/objects.ts';
import type { Cancel, ContainerContext, Process, Program, World } from '../../../world.ts';
import { addressOfHandle, assign, inPools, poolsFor, releaseHandle } from '../ipam/blocks.ts';
import { type Release, releaseOfComponent } from '../release.ts';
import { ANNOTATIONS, RESOURCES } from '../types.ts';
import { detectAddress } from './autodetect.ts';
import { applyFelix, type FelixState, readKernel } from './felix.ts';
import { NODENAME_FILE } from './files.ts';
import { createFirstPool } from './first-pool.ts';
import { type TopologySource, wantsIpip, wantsVxlan } from './topology.ts';

/** AUTODETECT_POLL_INTERVAL, Felix's resync, and how soon Felix follows a change (calico.md 5.4). */
const ADDRESS_POLL = 60_000;
const RESYNC = 90_000;
const APPLY_DELAY = 500;
/** How long start-up waits before it asks an unreachable API again. */
const RETRY = 1_000;
/** preStop `calico-node -shutdown` and SIGTERM together; bounded by the grace period of 5 s. */
const SHUTDOWN = 1_200;

/** Health port of Felix, BIRD's BGP port (host network). */
const FELIX_HEALTH = 9099;
const BGP = 179;

export function calicoNode(topology: TopologySource): Program {
  return (context) => new CalicoNode(context, topology).process();
}

class CalicoNode {
  private readonly context: ContainerContext;
  private readonly world: World;
  private readonly topology: TopologySource;
  private readonly release: Release;
  private readonly bgp: boolean;
  private readonly subscriptions: Cancel[] = [];
  private address: string | undefined;
  private felix: FelixState | undefined;
  private synced = false;
  private ending = false;
  private pending: Cancel | undefined;
  private looking: Cancel | undefined;
  /** The kernel's links and addresses after the last pass. */
  private seen = '';
  private interfaces = '';

  constructor(context: ContainerContext, topology: TopologySource) {
    this.context = context;
    this.world = context.world;
    this.topology = topology;
    this.release = releaseOfComponent(context.image);
    this.bgp = context.env.get('CALICO_NETWORKING_BACKEND') === 'bird';
  }

  process(): Process {
    this.context.after(this.context.random.integer(1000, 1600), () => this.start());
    return {
      ports: this.bgp ? [FELIX_HEALTH, BGP] : [FELIX_HEALTH],
      http: (_port, path) => ({ status: path === '/readiness' && !this.synced ? 503 : 200, body: '' }),
      // Readiness asks Felix (and BIRD, whose peers come up within these seconds when their nodes run).
      probe: (kind) => kind !== 'readiness' || this.synced,
      terminate: () => {
        this.ending = true;
        this.report('True', 'CalicoIsDown', 'Calico is shutting down on this node');
        return SHUTDOWN;
      },
      stopped: () => {
        for (const cancel of this.subscriptions) cancel();
      },
    };
  }

  private get node(): string {
    return this.context.machine.name;
  }

  private nodeObject(): Node | undefined {
    return this.world.store.get<Node>('nodes', this.node);
  }

  private start(): void {
    if (!this.world.apiAvailable() || !this.nodeObject()) {
      this.context.after(RETRY, () => this.start());
      return;
    }
    if (!this.detect()) {
      this.context.exit(
        1,
        "Couldn't autodetect an IPv4 address. If auto-detecting, choose a different autodetection method",
      );
      return;
    }
    this.context.machine.files.write(NODENAME_FILE, this.node);
    if (!this.release.poolController) createFirstPool(this.context);
    this.report('False', 'CalicoIsUp', 'Calico is running on this node');
    this.context.after(this.context.random.integer(200, 500), () => this.serve());
  }

  private serve(): void {
    this.subscribe();
    this.apply();
    this.every(ADDRESS_POLL, () => this.detect());
    this.every(RESYNC, () => this.resync());
  }

  private every(ms: number, action: () => void): void {
    this.context.after(ms, () => {
      if (this.world.apiAvailable() && !this.ending) action();
      this.every(ms, action);
    });
  }

  private subscribe(): void {
    const { store, network } = this.world;
    this.subscriptions.push(
      this.topology.onChange(() => this.soon()),
      // Devices and addresses of pods are heard of from the kernel; of a pod's status Felix wants nothing.
      store.onChange<Pod>('pods', ({ type, object, previous }) => {
        if (
          type === 'MODIFIED' &&
          object.metadata.labels === previous?.metadata.labels &&
          object.status?.podIP === previous?.status?.podIP
        )
          return;
        if (object.spec?.nodeName === this.node || this.hasPolicies()) this.soon();
      }),
      store.onChange(RESOURCES.policies, () => this.soon()),
      network.onBeforeChange(() => this.look()),
    );
  }

  private hasPolicies(): boolean {
    return (this.felix?.policySets.size ?? 0) > 0;
  }

  private soon(): void {
    this.pending ??= this.context.after(APPLY_DELAY, () => {
      this.pending = undefined;
      this.apply();
    });
  }

  /** Felix hears of links and addresses from the kernel; other nodes' changes pass it by. */
  private look(): void {
    this.looking ??= this.context.after(APPLY_DELAY, () => {
      this.looking = undefined;
      if (this.kernel() !== this.seen) this.apply();
    });
  }

  private kernel(): string {
    const network = this.world.network.node(this.node);
    const links = network?.links().map((link) => `${link.name}/${link.index}/${link.up}/${link.mtu}`);
    return `${links?.join()} ${network
      ?.addresses()
      .map((entry) => `${entry.device}/${entry.cidr}`)
      .join()}`;
  }

  /** Finds the own address and writes it to the Node when it changed. @returns false when there is none */
  private detect(): boolean {
    const network = this.world.network.node(this.node);
    const method = this.context.env.get('IP_AUTODETECTION_METHOD') ?? 'first-found';
    const found = network && detectAddress(method, network, this.nodeObject());
    if (!found) return this.address !== undefined;
    this.address = found.cidr;
    this.annotate({ [ANNOTATIONS.address]: found.cidr });
    return true;
  }

  private annotate(wanted: Record<string, string | undefined>): void {
    const present = this.nodeObject()?.metadata.annotations ?? {};
    if (Object.entries(wanted).every(([key, value]) => present[key] === value)) return;
    this.world.store.update<Node>('nodes', { name: this.node }, (draft) => {
      const annotations: Record<string, string> = { ...draft.metadata.annotations };
      for (const [key, value] of Object.entries(wanted)) {
        if (value === undefined) delete annotations[key];
        else annotations[key] = value;
      }
      draft.metadata.annotations = annotations;
    });
  }

  /** Sets the node's condition NetworkUnavailable; lost when the API is away. New conditions go to the front, as the API merges them. */
  private report(status: 'True' | 'False', reason: string, message: string): void {
    if (!this.world.apiAvailable()) return;
    const now = new Date(Math.floor(this.world.time.now() / 1000) * 1000).toISOString().replace('.000', '');
    this.world.store.update<Node>(
      'nodes',
      { name: this.node },
      (draft) => {
        const conditions = (draft.status?.conditions ?? []) as Condition[];
        const old = conditions.find((condition) => condition.type === 'NetworkUnavailable');
        const next = {
          type: 'NetworkUnavailable',
          status,
          reason,
          message,
          lastHeartbeatTime: now,
          lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now,
        };
        const rest = conditions.filter((condition) => condition !== old);
        const at = old ? conditions.indexOf(old) : 0;
        draft.status = { ...draft.status, conditions: [...rest.slice(0, at), next, ...rest.slice(at)] } as NonNullable<
          Node['status']
        >;
      },
      { subresource: 'status' },
    );
  }

  /** allocate-tunnel-addrs: one address of the pool for each tunnel device in use, given back when no pool wants it. */
  private tunnels(): void {
    if (!this.world.store.has(RESOURCES.blocks)) return;
    const topology = this.topology.current();
    const kinds = [
      {
        wanted: wantsVxlan(topology),
        type: 'vxlanTunnelAddress',
        handle: `vxlan-tunnel-addr-${this.node}`,
        key: ANNOTATIONS.vxlanTunnel,
      },
      {
        wanted: wantsIpip(topology) && this.bgp,
        type: 'ipipTunnelAddress',
        handle: `ipip-tunnel-addr-${this.node}`,
        key: ANNOTATIONS.ipipTunnel,
      },
    ];
    for (const { wanted, type, handle, key } of kinds) {
      const present = this.nodeObject()?.metadata.annotations?.[key];
      const held = addressOfHandle(this.world, handle);
      if (!wanted) {
        if (held) releaseHandle(this.world, handle);
        if (present) this.annotate({ [key]: undefined });
        continue;
      }
      let ip = held && inPools(poolsFor(this.world, 'Tunnel'), held) ? held : undefined;
      if (!ip) {
        if (held) releaseHandle(this.world, handle);
        const assignment = assign(
          this.world,
          this.node,
          { handle_id: handle, secondary: { node: this.node, type } },
          'Tunnel',
        );
        if ('ip' in assignment) ip = assignment.ip;
      }
      if (ip) this.annotate({ [key]: ip });
    }
  }

  /** Reads the kernel again instead of trusting what was written, so that rules deleted by hand come back. */
  private resync(): void {
    const network = this.world.network.node(this.node);
    if (this.felix && network) this.felix = { ...this.felix, written: readKernel(network, this.felix).written };
    this.apply();
  }

  private apply(): void {
    if (this.ending || !this.address) return;
    if (!this.world.apiAvailable()) {
      this.context.after(RETRY, () => this.soon());
      return;
    }
    this.tunnels();
    const { world, topology, release, bgp } = this;
    const result = applyFelix(
      { world, machine: this.context.machine, release, topology, address: this.address, bgp },
      this.felix,
    );
    this.felix = result?.state;
    this.synced = result !== undefined;
    if (!result?.complete) this.context.after(10_000, () => this.soon());
    if (release.interfacesAnnotation) this.publishInterfaces();
    this.seen = this.kernel();
  }

  /** `projectcalico.org/Interfaces` (3.31; recorded): every interface but lo and Calico's own, with its addresses. */
  private publishInterfaces(): void {
    const network = this.world.network.node(this.node);
    if (!network) return;
    const addresses = network.addresses();
    const list = network
      .links()
      .filter((link) => link.name !== 'lo' && !/^(cali|tunl0$)|\.calico$/.test(link.name))
      .map((link) => link.name)
      .sort()
      .map((name) => {
        const own = addresses.filter((entry) => entry.device === name).map((entry) => entry.cidr.split('/')[0]!);
        return own.length > 0 ? { name, addresses: own } : { name };
      });
    const text = JSON.stringify(list);
    if (text === this.interfaces) return;
    this.interfaces = text;
    this.annotate({ [ANNOTATIONS.interfaces]: text });
  }
}
