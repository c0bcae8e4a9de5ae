/**
 * The cluster of the recording, on the embedded one's parts: an API server, all controllers, four hand-made nodes and the
 * recorder's fake kubelet, which speaks to the API as it did.
 */
import { parse as parseYaml } from 'yaml';
import type { Pod } from '../../../../src/kube/objects.ts';
import {
  type ApiServer,
  createApiServer,
  type ServerAnswer,
  type ServerRequest,
} from '../../../../src/twin/api/server.ts';
import { startControllers } from '../../../../src/twin/controllers/index.ts';
import { type FakeWorld, fakeWorld } from '../../controllers/fake-world.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

export interface Stream {
  readonly lines: unknown[];
  /** Milliseconds since it was opened; undefined while it is open. */
  endedAt: number | undefined;
  readonly refused?: Answer;
  cancel(): void;
}

const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
export const MERGE = { 'content-type': 'application/merge-patch+json' };

/** Seconds, as the kubelet of the recording waited. */
const CREATING_MS = 300;
const RUNNING_MS = 1_000;
const ENDED_MS = 1_000;

export class RecordedCluster {
  readonly world: FakeWorld;
  readonly server: ApiServer;
  /** Nodes whose kubelet says nothing. */
  readonly silent = new Set<string>();
  readonly #addresses = new Map<string, number>();
  #lastNode = 0;

  constructor({ forOnlookers = false } = {}) {
    this.world = fakeWorld({ kubernetes: '1.36.2', forOnlookers });
    this.server = createApiServer({ store: this.world.store, kubernetesVersion: '1.36.2' });
    startControllers(this.world);
    for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) {
      this.world.store.create('namespaces', { metadata: { name } });
    }
    this.#playKubelet();
    this.run(100);
    for (const name of ['n-1', 'n-2', 'n-3', 'n-4']) this.addNode(name);
    this.#renewLeases();
    this.run(2_000);
  }

  run(ms: number): void {
    this.world.time.run(ms);
  }

  call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
    return answerOf(this.server.handle(requestOf(method, path, body, headers)));
  }

  /** A call of the set-up, which must succeed. */
  must(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
    const answer = this.call(method, path, body, headers);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  watch(path: string, headers: Readonly<Record<string, string>> = {}): Stream {
    const begun = this.world.time.now();
    const lines: unknown[] = [];
    const stream: Stream = { lines, endedAt: undefined, cancel: () => undefined };
    const opened = this.server.watch(requestOf('GET', path, undefined, headers), {
      open: () => undefined,
      line: (text) => void lines.push(JSON.parse(text)),
      end: () => {
        stream.endedAt = this.world.time.now() - begun;
      },
    });
    if ('cancel' in opened) return Object.assign(stream, { cancel: opened.cancel });
    return Object.assign(stream, { refused: answerOf(opened.refused) });
  }

  /** A namespace with what its controllers put in. */
  namespace(name: string): void {
    this.must('POST', '/api/v1/namespaces', { metadata: { name } });
    this.run(50);
  }

  addNode(name: string): void {
    this.#lastNode += 1;
    const number = this.#lastNode;
    const at = new Date(this.world.time.now()).toISOString().replace(/\.\d+/, '');
    const condition = (type: string, status: string, reason: string, message: string) => ({
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: at,
      lastTransitionTime: at,
    });
    const amounts = { cpu: '8', memory: '16Gi', pods: '110', 'ephemeral-storage': '100Gi' };
    const first = name === 'n-1';
    this.must('POST', '/api/v1/nodes', {
      metadata: {
        name,
        labels: {
          'beta.kubernetes.io/arch': 'amd64',
          'beta.kubernetes.io/os': 'linux',
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          ...(first && { 'node-role.kubernetes.io/control-plane': '' }),
        },
      },
      spec: {
        providerID: `kind://docker/rec/${name}`,
        ...(first && { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] }),
      },
    });
    this.must(
      'PATCH',
      `/api/v1/nodes/${name}/status`,
      {
        status: {
          capacity: amounts,
          allocatable: amounts,
          conditions: [
            condition(
              'MemoryPressure',
              'False',
              'KubeletHasSufficientMemory',
              'kubelet has sufficient memory available',
            ),
            condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
            condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
            condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
          ],
          addresses: [
            { type: 'InternalIP', address: `172.18.0.${10 + number}` },
            { type: 'Hostname', address: name },
          ],
          daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
          nodeInfo: {
            machineID: 'm',
            systemUUID: 's',
            bootID: 'b',
            kernelVersion: '6.8.0',
            osImage: 'Debian GNU/Linux 13 (trixie)',
            containerRuntimeVersion: 'containerd://2.1.9',
            kubeletVersion: 'v1.36.2',
            kubeProxyVersion: '',
            operatingSystem: 'linux',
            architecture: 'amd64',
          },
        },
      },
      STRATEGIC,
    );
  }

  #renewLeases(): void {
    const { store, time } = this.world;
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const renew = (): void => {
      const renewTime = new Date(time.now()).toISOString().replace('Z', '000Z');
      for (const { metadata } of store.list('nodes')) {
        if (this.silent.has(metadata.name)) continue;
        this.call('PUT', `${leases}/${metadata.name}`, {
          metadata: { name: metadata.name },
          spec: { holderIdentity: metadata.name, leaseDurationSeconds: 40, renewTime },
        });
      }
      time.after(2_000, renew);
    };
    renew();
  }

  #playKubelet(): void {
    const { store, time } = this.world;
    const begun = new Set<string>();
    const ending = new Set<string>();
    store.onChange<Pod>('pods', ({ type, object }) => {
      const { uid = '', annotations = {}, deletionTimestamp } = object.metadata;
      const node = object.spec?.nodeName;
      if (type === 'DELETED' || node === undefined || this.silent.has(node)) return;
      if (deletionTimestamp === undefined && !begun.has(uid)) {
        begun.add(uid);
        time.after(CREATING_MS, () => this.#post(object, 'creating'));
        if (annotations['rec/hang'] === undefined) {
          time.after(RUNNING_MS, () =>
            this.#post(object, annotations['rec/complete'] !== undefined ? 'ended' : 'running'),
          );
        }
      }
      if (deletionTimestamp !== undefined && !ending.has(uid) && annotations['rec/noend'] === undefined) {
        ending.add(uid);
        time.after(ENDED_MS, () => this.endPod(object));
      }
    });
  }

  /** What the kubelet does with a pod whose containers have ended after a deletion. */
  endPod(pod: Pod): void {
    const { name, namespace, uid } = pod.metadata;
    this.#post(pod, 'ended');
    this.call('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, {
      gracePeriodSeconds: 0,
      preconditions: { uid },
    });
  }

  #post(pod: Pod, state: 'creating' | 'running' | 'ended'): void {
    const { name, namespace, uid, annotations = {} } = pod.metadata;
    const current = this.world.store.get<Pod>('pods', name, namespace);
    if (current === undefined || current.metadata.uid !== uid || this.silent.has(current.spec?.nodeName ?? '')) return;
    if (state !== 'ended' && current.metadata.deletionTimestamp !== undefined) return;
    this.call(
      'PATCH',
      `/api/v1/namespaces/${namespace}/pods/${name}/status`,
      {
        metadata: { uid },
        status: this.#status(current, state, annotations['rec/unready'] === undefined),
      },
      STRATEGIC,
    );
  }

  #status(pod: Pod, state: 'creating' | 'running' | 'ended', ready: boolean): object {
    const at = new Date(this.world.time.now()).toISOString().replace(/\.\d+/, '');
    const { generation = 1, annotations = {} } = pod.metadata;
    const names = (pod.spec?.containers ?? []).map((container) => container.name);
    const isReady = state === 'running' && ready;
    // What a condition says first is kept by a later state that does not touch it.
    const begun =
      state === 'ended'
        ? (pod.status?.conditions?.find((one) => one.type === 'Initialized')?.observedGeneration ?? 1)
        : generation;
    const condition = (type: string, good: boolean, observed = generation) => ({
      type,
      observedGeneration: observed,
      status: good ? 'True' : 'False',
      lastProbeTime: null,
      lastTransitionTime: at,
      ...(!good &&
        type.endsWith('Ready') && {
          reason: state === 'ended' ? 'PodCompleted' : 'ContainersNotReady',
          message: `containers with unready status: [${names.join(' ')}]`,
        }),
    });
    const node = pod.spec?.nodeName ?? '';
    const host = `172.18.0.${10 + Number(node.split('-')[1] ?? '0')}`;
    const ip = pod.status?.podIP ?? (state === 'creating' ? undefined : this.#address(node));
    return {
      observedGeneration: generation,
      phase:
        state === 'creating'
          ? 'Pending'
          : state === 'running'
            ? 'Running'
            : (annotations['rec/complete'] ?? 'Succeeded'),
      conditions: [
        condition('PodReadyToStartContainers', state === 'running', begun),
        condition('Initialized', true, begun),
        condition('Ready', isReady),
        condition('ContainersReady', isReady),
        {
          type: 'PodScheduled',
          observedGeneration: begun,
          status: 'True',
          lastProbeTime: null,
          lastTransitionTime: at,
        },
      ],
      hostIP: host,
      hostIPs: [{ ip: host }],
      ...(ip !== undefined && { podIP: ip, podIPs: [{ ip }] }),
      startTime: pod.status?.startTime ?? at,
      containerStatuses: (pod.spec?.containers ?? []).map(({ name, image }) => ({
        name,
        state: stateOf(state, at),
        lastState: {},
        ready: isReady,
        restartCount: 0,
        image,
        imageID: state === 'creating' ? '' : 'sha256:0',
        ...(state !== 'creating' && { containerID: 'containerd://0' }),
        started: state === 'running',
      })),
    };
  }

  #address(node: string): string {
    const last = (this.#addresses.get(node) ?? 1) + 1;
    this.#addresses.set(node, last);
    return `192.168.${10 + Number(node.split('-')[1] ?? '0')}.${last}`;
  }
}

function answerOf({ status, headers, warnings, body }: ServerAnswer): Answer {
  const type = headers['content-type'] ?? '';
  return {
    status,
    headers: { ...headers, ...(warnings !== undefined && { warning: warnings }) },
    body: type === 'application/yaml' ? parseYaml(body) : parsed(body),
  };
}

function stateOf(state: 'creating' | 'running' | 'ended', at: string): object {
  if (state === 'creating') return { waiting: { reason: 'ContainerCreating' } };
  if (state === 'running') return { running: { startedAt: at } };
  const containerID = 'containerd://0';
  return { terminated: { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at, containerID } };
}

export function requestOf(
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): ServerRequest {
  const [plain = '', search = ''] = path.split('?', 2);
  return {
    method: method as ServerRequest['method'],
    path: plain,
    query: new Map(new URLSearchParams(search)),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ...(body !== undefined && body !== null && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
