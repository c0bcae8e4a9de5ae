/** One scripted story over the port, with toy actors on the store's timers, on any of the twin's transports. */
import { KubeConfig } from '@kubernetes/client-node';
import type { KubeApi } from '../../../src/kube/api.ts';
import { ApiUnreachable, KubeError } from '../../../src/kube/api.ts';
import { createKubeApi } from '../../../src/kube/client.ts';
import { createHttpTransport } from '../../../src/kube/http-transport.ts';
import type { KubeObject, Pod } from '../../../src/kube/objects.ts';
import { configMaps, namespaces, nodes, pods, serviceAccounts } from '../../../src/kube/resources.ts';
import { WaitTimeout, waitFor } from '../../../src/kube/wait.ts';
import { randomStream } from '../../../src/time/random.ts';
import { VirtualClock } from '../../../src/time/virtual-clock.ts';
import { serveHttp } from '../../../src/twin/api/http-server.ts';
import { createInProcessTransport } from '../../../src/twin/api/in-process-transport.ts';
import { createApiServer } from '../../../src/twin/api/server.ts';
import { createObjectStore, type Store } from '../../../src/twin/api/store.ts';

export interface Variant {
  readonly transport: 'in-process' | 'http';
  readonly batch: boolean;
  /** Real random delay of every request, response and line; http only. */
  readonly jitter?: boolean;
}

const EPOCH = Date.UTC(2026, 0, 1);
const NAMESPACE = 'story';

/** The log of the story: what the client saw, when, and what the store holds at the end. */
export async function run(variant: Variant): Promise<string[]> {
  const clock = new VirtualClock({ epoch: EPOCH, batch: variant.batch });
  const random = randomStream(7, 'actors');
  const store = createObjectStore({ time: clock, random: randomStream(7, 'store') });
  let up = true;
  const server = createApiServer({ store, kubernetesVersion: '1.34.0', available: () => up });
  actors(store, clock, random);
  const outage = (from: number, forMs: number): void => {
    clock.after(from, () => {
      up = false;
      server.dropConnections();
    });
    clock.after(from + forMs, () => {
      up = true;
    });
  };

  const shake = (action: () => void): void => void setTimeout(action, Math.random() * 3);
  const http = variant.transport === 'http';
  const listener = http
    ? await serveHttp({ clock, server, ...(variant.jitter === true && { jitter: shake }) })
    : undefined;
  const transport =
    listener === undefined
      ? createInProcessTransport({ clock, server })
      : await createHttpTransport({ kubeconfig: kubeconfig(listener.url), embedded: true });
  const log: string[] = [];
  const note = (text: string): void => void log.push(`${clock.now() - EPOCH} ${text}`);
  try {
    await clock.run(() => story(createKubeApi({ clock, transport }), clock, note, outage));
  } finally {
    await transport.close();
    await listener?.close();
  }
  for (const resource of ['namespaces', 'nodes', 'pods', 'configmaps']) {
    for (const object of store.list(resource)) log.push(JSON.stringify(object));
  }
  return log;
}

function kubeconfig(server: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'twin', server, skipTLSVerify: true }, { name: 'twin' });
  return config;
}

/** A scheduler and a kubelet for every pod, and somebody who relabels ConfigMaps all the time. */
function actors(store: Store, clock: VirtualClock, random: ReturnType<typeof randomStream>): void {
  store.onChange<KubeObject>('pods', ({ type, object, previous }) => {
    const ref = { name: object.metadata.name, namespace: object.metadata.namespace, uid: object.metadata.uid };
    if (type === 'ADDED') {
      clock.after(random.integer(1, 400), () => {
        store.update<KubeObject>('pods', ref, (draft) => {
          (draft.spec as { nodeName?: string }).nodeName = 'n1';
        });
        clock.after(random.integer(100, 2_000), () => {
          store.update<KubeObject>('pods', ref, (draft) => {
            draft.status = { ...(draft.status as object), phase: 'Running' };
          });
        });
      });
    } else if (object.metadata.deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined) {
      clock.after(random.integer(500, 1_500), () => store.remove('pods', ref, { gracePeriodSeconds: 0 }));
    }
  });
  const tick = (): void => {
    for (const { metadata } of store.list('configmaps')) {
      store.update<KubeObject>('configmaps', metadata, (draft) => {
        draft.data = { ...(draft.data as object), tick: String(clock.now()) };
      });
    }
    if (clock.now() < EPOCH + 30_000) clock.after(700, tick);
  };
  clock.after(700, tick);
}

async function story(
  api: KubeApi,
  clock: VirtualClock,
  note: (text: string) => void,
  outage: (from: number, forMs: number) => void,
): Promise<void> {
  await api.create(namespaces, { metadata: { name: NAMESPACE } });
  await api.create(nodes, { metadata: { name: 'n1' } });
  // No controllers run here; without it no pod is admitted.
  await api.create(serviceAccounts, { metadata: { name: 'default', namespace: NAMESPACE } });

  // Many writers at once on one object, a watcher beside them.
  const watching = new AbortController();
  const { resourceVersion } = await api.list(configMaps, { namespace: NAMESPACE });
  const options = { namespace: NAMESPACE, labelSelector: 'seen=yes', resourceVersion, signal: watching.signal };
  const watch = api.watch(configMaps, options, (event) => {
    if (event.type !== 'BOOKMARK') note(`${event.type} ${JSON.stringify(event.object)}`);
  });
  // This watch is nobody's wait: the first outage ends it.
  const watched = watch.catch((error: unknown) => note(`watch: ${error instanceof Error ? error.message : ''}`));
  await Promise.all(
    [0, 1, 2].map((i) =>
      api.create(configMaps, { metadata: { name: `c${i}`, namespace: NAMESPACE, labels: label(i) } }),
    ),
  );
  await Promise.all(
    [0, 1, 2, 3, 4, 5].map(async (i) => {
      const ref = { name: `c${i % 3}`, namespace: NAMESPACE };
      const patched = await api.patch(configMaps, ref, 'merge', { data: { [`writer${i}`]: 'was here' } });
      note(`writer ${i} got version ${patched.metadata.resourceVersion}`);
    }),
  );

  // Pods are created together and waited for; one wait is too short, one lasts over an outage.
  const created = await Promise.all([0, 1, 2, 3].map((i) => api.create(pods, pod(`p${i}`))));
  note(`created ${created.map((one) => `${one.metadata.name}/${one.metadata.uid}`).join(' ')}`);
  const running = (items: readonly Pod[]): true | string => {
    const missing = items.filter((one) => one.status?.phase !== 'Running').map((one) => one.metadata.name);
    return missing.length === 0 || `not yet running: ${missing.join(', ')}`;
  };
  const wait = { api, clock, resource: pods, options: { namespace: NAMESPACE }, what: 'pods to run', until: running };
  {
    using limit = clock.deadline(150);
    await waitFor({ ...wait, signal: limit.signal }).catch((error: unknown) => {
      if (!(error instanceof WaitTimeout)) throw error;
      note(error.message);
    });
  }
  outage(300, 4_000);
  {
    using limit = clock.deadline(3_000);
    const onAvailability = (up: boolean): void => {
      note(`API is ${up ? 'back' : 'away'}`);
      if (up) limit.resume();
      else limit.pause();
    };
    const items = await waitFor({ ...wait, signal: limit.signal, onAvailability });
    note(`running: ${items.map((one) => one.metadata.resourceVersion).join(' ')}, ${limit.remaining()} ms left`);
  }

  outage(0, 1_000);
  await clock.sleep(1);
  await api.get(nodes, { name: 'n1' }).catch((error: unknown) => {
    if (!(error instanceof ApiUnreachable)) throw error;
    note(`${error.request}: ${error.message}`);
  });
  await clock.sleep(2_000);

  await Promise.all(
    created.slice(0, 3).map(async ({ metadata: { name, uid } }, i) => {
      const ref = { name, namespace: NAMESPACE, uid: i === 2 ? 'other' : (uid ?? '') };
      await api.evict(ref).catch((error: unknown) => {
        if (!(error instanceof KubeError)) throw error;
        note(`${name}: ${error.code} ${error.reason}`);
      });
    }),
  );
  {
    using limit = clock.deadline(60_000);
    const left = await waitFor({
      ...wait,
      what: 'pods to go',
      signal: limit.signal,
      until: (items) => items.length === 2 || `${items.length} pods left`,
    });
    note(`left: ${left.map((one) => one.metadata.name).join(' ')}`);
  }
  watching.abort();
  await watched;
  await clock.sleep(200_000);
  note('end');
}

const label = (i: number): Record<string, string> => (i === 1 ? {} : { seen: 'yes' });

const pod = (name: string): Pod =>
  ({
    metadata: { name, namespace: NAMESPACE },
    spec: { containers: [{ name: 'c', image: 'example.com/app:1' }] },
  }) as Pod;
