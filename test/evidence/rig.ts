/** Doors that answer as a test likes, a directory in memory, and virtual time. */
import type { EvidenceDirectory } from '../../src/evidence/bundle.ts';
import { type Gathered, type GatherOptions, gatherEvidence } from '../../src/evidence/gather.ts';
import type { CommandOptions, CommandResult, Host } from '../../src/host/host.ts';
import { type KubeApi, KubeError } from '../../src/kube/api.ts';
import type { KubeObject, Pod } from '../../src/kube/objects.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';

export const answer = (stdout: string, exitCode = 0, stderr = ''): Promise<CommandResult> =>
  Promise.resolve({ exitCode, stdout, stderr });
export const never = <T>(): Promise<T> => new Promise(() => undefined);

export type Run = (words: string, options: CommandOptions) => Promise<CommandResult>;
export const hostThat = (run: Run): Host => ({
  run: (command, args, options) => run([command, ...args].join(' '), options),
});

/** Of the calls that evidence makes; everything else would be a bug. */
export interface FakeApi {
  readonly objects?: Readonly<Record<string, readonly KubeObject[]>>;
  readonly list?: (plural: string) => Promise<readonly KubeObject[]>;
  readonly raw?: (path: string) => Promise<{ status: number; body: string }>;
  readonly proxy?: (pod: string) => Promise<{ status: number; body: string }>;
}

export function apiThat({ objects = {}, list, raw, proxy }: FakeApi): KubeApi {
  const found = list ?? ((plural: string) => Promise.resolve(objects[plural] ?? []));
  const fake: Partial<KubeApi> = {
    list: async (resource) => ({ items: (await found(resource.plural)) as never[], resourceVersion: '1' }),
    get: () => Promise.reject(new KubeError(404, 'NotFound', 'not found', 'GET')),
    raw: raw ?? (() => Promise.resolve({ status: 200, body: 'a line\n' })),
    proxyPod: proxy ? (pod) => proxy(pod.name) : () => Promise.resolve({ status: 200, body: '{}' }),
  };
  return fake as KubeApi;
}

export class MemoryDirectory implements EvidenceDirectory {
  readonly files = new Map<string, string>();
  readonly #refuse: (name: string) => Error | undefined;
  constructor(refuse: (name: string) => Error | undefined = () => undefined) {
    this.#refuse = refuse;
  }
  write(name: string, content: string): void {
    const error = this.#refuse(name);
    if (error) throw error;
    this.files.set(name, content);
  }
}

export interface Outcome {
  readonly gathered: Gathered;
  readonly files: ReadonlyMap<string, string>;
  /** Milliseconds of virtual time. */
  readonly took: number;
}

export async function gather(
  options: Partial<GatherOptions> & { host: Host },
  before?: (clock: VirtualClock) => void,
): Promise<Outcome> {
  const clock = new VirtualClock({ epoch: Date.parse('2026-01-01T00:00:00Z') });
  const directory = new MemoryDirectory();
  const start = clock.now();
  const gathered = await clock.run(() => {
    before?.(clock);
    return gatherEvidence({
      ...{ api: null, clock, cluster: 'kind', controlPlanes: ['kind-control-plane'], workers: ['kind-worker'] },
      ...{ blamed: { nodes: [], text: '', nodeFailed: false }, directory, extent: 'full', headline: 'It failed.' },
      ...options,
    });
  });
  const files = options.directory instanceof MemoryDirectory ? options.directory.files : directory.files;
  return { gathered, files, took: clock.now() - start };
}

export function pod(
  name: string,
  more: { node?: string; labels?: Record<string, string>; namespace?: string } = {},
): Pod {
  const { node = 'kind-worker', labels = {}, namespace = 'default' } = more;
  return {
    metadata: { name, namespace, labels, uid: name },
    spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }] },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0, state: { running: {} } }],
    },
  } as unknown as Pod;
}
