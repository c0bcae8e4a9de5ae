/** The Node object as its kubelet registers and reports it. */
import type { Node } from '../../kube/objects.ts';
import type { Random } from '../../time/random.ts';
import { recordRoutine } from '../events.ts';
import type { Cancel } from '../world.ts';
import { subnetOf } from './addresses.ts';
import { CONF_DIRECTORY, firstConf, pluginType } from './cni.ts';
import { stamp } from './ids.ts';
import type { NodeEnvironment, TwinMachine } from './machine.ts';
import { NOT_INITIALIZED } from './pod-worker.ts';

/** Every kind node advertises the whole host (recorded); here a standard runner of GitHub: 4 CPUs, 16 GB. */
const RESOURCES = {
  cpu: '4',
  'ephemeral-storage': '151263856Ki',
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  memory: '16373452Ki',
  pods: '110',
};

/** Size of each node's share of the pod subnet (kube-controller-manager, node-cidr-mask-size). */
const POD_CIDR_BITS = 24;

/** nodeStatusUpdateFrequency. */
const REPORT_MS = 10_000;

const PRESSURES = [
  ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
] as const;

export class NodeReporter {
  readonly #env: NodeEnvironment;
  readonly #machine: TwinMachine;
  readonly #random: Random;
  readonly #unwatch: Cancel;
  #report: Cancel | undefined;
  #over = false;
  #toldCordoned = false;

  constructor(env: NodeEnvironment, machine: TwinMachine, random: Random) {
    this.#env = env;
    this.#machine = machine;
    this.#random = random;
    // The runtime reads the directory at once; the kubelet asks it every 5 s and then posts with its next round.
    this.#unwatch = machine.files.watch(CONF_DIRECTORY, () => {
      if (this.#differs()) this.#schedule(random.integer(800, 6_000));
    });
  }

  stop(): void {
    this.#over = true;
    this.#unwatch();
    this.#report?.();
  }

  /** Creates the Node, or brings it up to date after a restart of the kubelet. */
  register(): void {
    const { world } = this.#env;
    if (!world.apiAvailable()) return;
    if (world.store.get<Node>('nodes', this.#machine.name) === undefined) world.store.create('nodes', this.#newNode());
    this.#post();
  }

  /** Somebody changed the Node; a state that is not the kubelet's is corrected with its next report. */
  changed(): void {
    this.#tellOfCordon();
    if (this.#differs()) this.#schedule(this.#random.integer(1_000, 9_000));
  }

  /** Told with the next report, every 10 s (kubelet_node_status.go, recordNodeSchedulableEvent). */
  #tellOfCordon(): void {
    const cordoned = this.#cordoned();
    if (cordoned === this.#toldCordoned || this.#env.world.config.forOnlookers !== true) return;
    this.#toldCordoned = cordoned;
    this.#env.world.time.after(REPORT_MS, () => {
      if (!this.#over && this.#cordoned() === cordoned) this.#tell(cordoned ? 'NodeNotSchedulable' : 'NodeSchedulable');
    });
  }

  #cordoned(): boolean {
    return this.#env.world.store.get<Node>('nodes', this.#machine.name)?.spec?.unschedulable === true;
  }

  /** A kubelet knows its Node by name only, so that stands where the uid belongs. */
  #tell(reason: string): void {
    const { name } = this.#machine;
    const message = `Node ${name} status is now: ${reason}`;
    const subject = { apiVersion: 'v1', kind: 'Node', name, uid: name };
    recordRoutine(this.#env.world, subject, { component: 'kubelet', host: name, reason, message });
  }

  #networkReady(): boolean {
    const conf = firstConf(this.#machine.files);
    return (
      conf !== undefined &&
      pluginType(this.#machine.files.read(`${CONF_DIRECTORY}/${conf}`)?.content ?? '') !== undefined
    );
  }

  #differs(): boolean {
    const node = this.#env.world.store.get<Node>('nodes', this.#machine.name);
    const ready = node?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
    return node !== undefined && ready !== (this.#networkReady() ? 'True' : 'False');
  }

  #schedule(ms: number): void {
    if (this.#report !== undefined || this.#over) return;
    this.#report = this.#env.world.time.after(ms, () => {
      this.#report = undefined;
      if (this.#env.world.apiAvailable()) this.#post();
    });
  }

  #post(): void {
    const { world } = this.#env;
    const now = stamp(world.time.now());
    const became = this.#differs() ? (this.#networkReady() ? 'NodeReady' : 'NodeNotReady') : undefined;
    world.store.update<Node>(
      'nodes',
      { name: this.#machine.name },
      (draft) => {
        draft.status ??= {};
        const { status } = draft;
        status.addresses = this.#addresses();
        const ready = this.#networkReady();
        const wanted = [
          ...PRESSURES.map(([type, reason, message]) => ({ type, status: 'False', reason, message })),
          {
            type: 'Ready',
            status: ready ? 'True' : 'False',
            reason: ready ? 'KubeletReady' : 'KubeletNotReady',
            message: ready ? 'kubelet is posting ready status' : NOT_INITIALIZED,
          },
        ];
        const before = status.conditions ?? [];
        status.conditions = [
          ...before.filter((one) => !wanted.some((condition) => condition.type === one.type)),
          ...wanted.map((condition) => {
            const old = before.find((one) => one.type === condition.type);
            const same = old?.status === condition.status ? old.lastTransitionTime : undefined;
            return { ...condition, lastHeartbeatTime: now, lastTransitionTime: same ?? now };
          }),
        ];
      },
      { subresource: 'status' },
    );
    if (became !== undefined) this.#tell(became);
  }

  #addresses(): { address: string; type: string }[] {
    return [
      { address: this.#machine.address, type: 'InternalIP' },
      { address: this.#machine.name, type: 'Hostname' },
    ];
  }

  #newNode(): Node {
    const { world } = this.#env;
    const { name, role, cluster, kubernetesVersion } = this.#machine;
    const controlPlane = role === 'control-plane';
    const podCIDR = this.#podCidr();
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name,
        labels: {
          'beta.kubernetes.io/arch': 'amd64',
          'beta.kubernetes.io/os': 'linux',
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          ...(controlPlane && {
            'node-role.kubernetes.io/control-plane': '',
            'node.kubernetes.io/exclude-from-external-load-balancers': '',
          }),
        },
        annotations: {
          'node.alpha.kubernetes.io/ttl': '0',
          'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
        },
      },
      spec: {
        ...(podCIDR !== undefined && { podCIDR, podCIDRs: [podCIDR] }),
        providerID: `kind://docker/${cluster}/${name}`,
        taints: [
          // kind removes it only from a cluster of one node.
          ...(controlPlane && world.machines.size > 1
            ? [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }]
            : []),
          // Admission puts it on every new node (plugin TaintNodesByCondition).
          { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
        ],
      },
      status: {
        addresses: this.#addresses(),
        allocatable: { ...RESOURCES },
        capacity: { ...RESOURCES },
        conditions: [],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
        nodeInfo: {
          architecture: 'amd64',
          bootID: '6a2c1f2e-6d55-4a41-9f0c-0d3a1f0e7c11',
          containerRuntimeVersion: 'containerd://2.1.9',
          kernelVersion: '6.11.0-1018-azure',
          kubeProxyVersion: '',
          kubeletVersion: `v${kubernetesVersion}`,
          machineID: '',
          operatingSystem: 'linux',
          osImage: 'Debian GNU/Linux 13 (trixie)',
          systemUUID: '',
        },
      },
    };
  }

  /** The lowest share of the pod subnet that no node has, as the node IPAM controller gives them out. */
  #podCidr(): string | undefined {
    const { world } = this.#env;
    const used = new Set(world.store.list<Node>('nodes').map((node) => node.spec?.podCIDR));
    for (let index = 0; ; index++) {
      const candidate = subnetOf(world.config.podSubnet, POD_CIDR_BITS, index);
      if (candidate === undefined || !used.has(candidate)) return candidate;
    }
  }
}
