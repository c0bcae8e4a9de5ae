/**
 * The twin's inner doors: what its parts (API, controllers, machines, actors, network, commands) know of each other.
 * Actors never go over HTTP: they act on the store synchronously from timers and store hooks. Nothing here knows the
 * rehearsal.
 */
import type { KubeObject, Pod } from '../kube/objects.ts';
import type { Random } from '../time/random.ts';
import type { Network } from './network/network.ts';

/** Forgets a timer; harmless when it has run. */
export type Cancel = () => void;

/** Virtual time as actors see it. */
export interface SimulatedTime {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `action` once, `ms` from now. It must be synchronous. */
  after(ms: number, action: () => void): Cancel;
}

/** `pods`, `nodes`, `daemonsets.apps`, `installations.operator.tigera.io`: plural, and group unless it is the core one. */
export type ResourceName = string;

export interface StoreEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: ResourceName;
  readonly object: T;
  /** The state before; undefined for ADDED. */
  readonly previous: T | undefined;
}

/**
 * The objects of the API server. Objects handed out are frozen in spirit: never change them, use {@link update}.
 * Errors are thrown as `StatusError` (twin/api/status.ts) with the code and text of the real API.
 */
export interface ObjectStore {
  get<T extends KubeObject>(resource: ResourceName, name: string, namespace?: string): T | undefined;
  /** In the order of namespace and name. `labels`: only objects that carry all of these. */
  list<T extends KubeObject>(
    resource: ResourceName,
    filter?: { namespace?: string; labels?: Record<string, string>; labelSelector?: string },
  ): T[];
  /** Pods bound to a node, from an index. */
  podsOnNode(node: string): Pod[];
  /** Fills in uid, resourceVersion, creationTimestamp, generation and generateName. Status is kept as given. */
  create<T extends KubeObject>(resource: ResourceName, object: T): T;
  /** Changes a draft copy; no-op changes move nothing. Returns undefined when the object does not exist. */
  update<T extends KubeObject>(
    resource: ResourceName,
    ref: { name: string; namespace?: string | undefined; uid?: string | undefined },
    change: (draft: T) => void,
    options?: { subresource?: 'status' },
  ): T | undefined;
  /** As the API's DELETE: graceful for pods, finalizers respected, dependents left to the garbage collector. */
  remove(
    resource: ResourceName,
    ref: { name: string; namespace?: string | undefined; uid?: string | undefined },
    options?: { gracePeriodSeconds?: number; propagation?: 'Background' | 'Foreground' | 'Orphan' },
  ): boolean;
  /** Is called inside the write. May only schedule timers, never write to the store. */
  onChange<T extends KubeObject>(resource: ResourceName | '*', hook: (event: StoreEvent<T>) => void): Cancel;
  /** Makes a CRD's resources servable (called by the API when a CRD is established). */
  has(resource: ResourceName): boolean;
}

/** A file of a node's root file system or of its tmpfs. */
export interface NodeFile {
  readonly content: string;
  /** Such as 0o600. */
  readonly mode: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

export interface NodeFiles {
  read(path: string): NodeFile | undefined;
  /** @throws Error `operation not permitted` where the file system refuses it. */
  write(path: string, content: string, mode?: number): void;
  remove(path: string): boolean;
  /** @throws Error as `write`. */
  rename(from: string, to: string): boolean;
  /** Names directly below a directory, sorted. */
  list(directory: string): string[];
  /** Called after every change below a directory (inotify). May only schedule timers. */
  watch(directory: string, hook: (name: string) => void): Cancel;
}

/** A kind node: a container with its own file system, network namespace and kubelet. */
export interface Machine {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  /** IPv4 address in the node subnet. */
  readonly address: string;
  readonly files: NodeFiles;
  /** False while the container is stopped or still booting: no process of it runs. */
  running(): boolean;
  /** When the container was last started, milliseconds since the epoch. */
  startedAt(): number;
  /** `docker restart`: kills every process, empties /run and /tmp, makes a new network namespace, boots again. */
  restart(): void;
}

/** What a container's program may use. */
export interface ContainerContext {
  readonly world: World;
  readonly machine: Machine;
  readonly podUid: string;
  readonly namespace: string;
  readonly podName: string;
  readonly containerName: string;
  readonly image: string;
  /** The pod as the API has it now; undefined when it is gone. */
  pod(): Pod | undefined;
  /** Environment with fieldRefs and ConfigMap keys resolved at container start. */
  readonly env: ReadonlyMap<string, string>;
  readonly args: readonly string[];
  /** Address of the pod (or of the node, on the host network) when the container started. */
  readonly address: string;
  readonly random: Random;
  /** A timer that dies with the container. */
  after(ms: number, action: () => void): Cancel;
  /** Ends the container from inside; the kubelet restarts it with back-off. */
  exit(code: number, message?: string): void;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** Body size in bytes where it is larger than the text given (static files). */
  readonly bytes?: number;
}

/** A running container's process. Everything it does by itself it does through `ContainerContext.after`. */
export interface Process {
  /** Ports that it listens on; a port that is not listed refuses connections. */
  readonly ports: readonly number[];
  /** Answers a request that has reached the process. */
  http?(port: number, path: string): HttpAnswer;
  /** Outcome of the container's own exec or http probe. Left out: passes when the process runs. */
  probe?(kind: 'startup' | 'readiness' | 'liveness'): boolean;
  /** SIGTERM (and preStop): returns the milliseconds it needs to end; 50 unless given. The kubelet caps it at the grace period. */
  terminate?(): number;
  /** The process is over, however it ended. */
  stopped?(): void;
}

/** What runs behind an image. */
export type Program = (context: ContainerContext) => Process;

/** An init container: `run` happens at its end, `ms` after its start. */
export type InitProgram = (context: ContainerContext) => { ms: number; run: () => void };

/**
 * Programs by image repository without registry (`calico/node`, `cilium/operator-generic`, `tigera/operator`), optionally
 * narrowed by `#container-name`. An unknown image exists, starts and listens on its declared ports.
 */
export interface ProgramCatalogue {
  register(key: string, program: Program): void;
  registerInit(key: string, program: InitProgram): void;
  /** From now on containers on this machine run another program behind the key, until the result is called. */
  registerOn(machine: string, key: string, program: Program): Cancel;
  /** `machine`: what is registered on it goes first. */
  find(image: string, container: string, machine?: string): Program | undefined;
  findInit(image: string, container: string): InitProgram | undefined;
}

/** A plugin binary in /opt/cni/bin, found by the `type` of the first plugin in the conf file that sorts first. */
export interface CniPlugin {
  /** CNI ADD: attaches the pod to the machine's network and returns its address, or an error text (the kubelet retries). */
  add(machine: Machine, pod: Pod): { ip: string } | { error: string };
  /** CNI DEL. */
  del(machine: Machine, pod: { uid: string; name: string; namespace: string }): void;
}

export interface World {
  readonly time: SimulatedTime;
  /** The random stream of a consumer, derived from the run's seed. */
  random(consumer: string): Random;
  readonly store: ObjectStore;
  readonly network: Network;
  readonly programs: ProgramCatalogue;
  readonly cniPlugins: Map<string, CniPlugin>;
  /** The nodes' containers, by name; more may be added by `kind create cluster`. */
  readonly machines: Map<string, Machine>;
  /** Does at least one API server serve (its container up, etcd with a quorum)? */
  apiAvailable(): boolean;
  /** The process of a container, for probes, requests and the network's listeners; undefined when it does not run. */
  process(podUid: string, containerName?: string): Process | undefined;
  /** Pulls an image on a machine: milliseconds needed (0 when present), or an error text. */
  pullImage(machine: Machine, image: string): { ms: number } | { error: string };
  readonly config: WorldConfig;
}

/** What of the scenario shapes the world itself (never what the rehearsal does in it). */
export interface WorldConfig {
  readonly seed: number;
  /** CIDR of the container network, normally 172.18.0.0/16. */
  readonly nodeSubnet: string;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  /** Exact, such as 1.34.11. */
  readonly kubernetesVersion: string;
  /**
   * Is what no rehearsal reads written too, for those who look around: Events of what went well (`Scheduled`, `Started`),
   * Endpoints beside EndpointSlices? Off unless given.
   */
  readonly forOnlookers?: boolean;
}
