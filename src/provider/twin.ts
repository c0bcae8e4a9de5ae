/** The provider whose cluster exists only in this process: same rehearsal, embedded machines, virtual time. */
import type { Heal, Levers } from '../faults/fault.ts';
import { createKubeApi } from '../kube/client.ts';
import type { Transport } from '../kube/transport.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { serveHttp } from '../twin/api/http-server.ts';
import { createInProcessTransport } from '../twin/api/in-process-transport.ts';
import { createLevers } from '../twin/levers.ts';
import { createTwin, type Twin } from '../twin/twin.ts';
import type { Provider } from './provider.ts';
import { imageExistsOnTwin, reviewForTwin } from './twin-review.ts';

export interface TwinProviderOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** `loopback`: real HTTP to the embedded API server; the events are the same bytes. In process unless given. */
  readonly transport?: 'in-process' | 'loopback';
  /** Delays an action in real time, for the conformance test of the loopback transport. */
  readonly jitter?: (action: () => void) => void;
  /** Off only in the conformance test. */
  readonly batch?: boolean;
  /** Milliseconds since the Unix epoch at which virtual time starts; a fixed moment unless given. */
  readonly epoch?: number;
  /** See WorldConfig. */
  readonly forOnlookers?: boolean;
}

export interface TwinProvider extends Provider {
  /** What stands behind the doors, for tests. */
  readonly twin: Twin;
}

/** A name, not a path: nothing is written to disk. */
const KUBECONFIG = 'twin-kubeconfig';

export function createTwinProvider(options: TwinProviderOptions): TwinProvider {
  const { cluster, kubernetes, preflight } = options.scenario;
  const twin = createTwin({
    seed: options.seed,
    nodeSubnet: cluster.nodeSubnet,
    podSubnet: cluster.podSubnet,
    serviceSubnet: cluster.serviceSubnet,
    kubernetesVersion: kubernetes.version.replace(/^v/, ''),
    allowNotModelled: preflight.allow.includes('not-modelled'),
    ...(options.batch !== undefined && { batch: options.batch }),
    ...(options.epoch !== undefined && { epoch: options.epoch }),
    ...(options.forOnlookers !== undefined && { forOnlookers: options.forOnlookers }),
  });
  const { clock } = twin;
  const closers: (() => Promise<void>)[] = [];
  return {
    name: 'twin',
    simulated: true,
    clock,
    host: twin.host,
    kubeconfig: KUBECONFIG,
    twin,
    connect: async (kubeconfig) => {
      if (!twin.kubeconfigs.has(kubeconfig)) throw new Error('the kubeconfig belongs to no cluster of this twin');
      const transport =
        options.transport === 'loopback'
          ? await clock.track(() => loopback(twin, options.jitter, closers))
          : createInProcessTransport({ clock, server: twin.server });
      closers.push(() => transport.close());
      return createKubeApi({ clock, transport });
    },
    review: reviewForTwin,
    imageExists: imageExistsOnTwin,
    levers: leversOf(twin),
    run: (main) => clock.run(main),
    interrupt: (action) => clock.interrupt(action),
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

/** The twin's levers answer at once, and so do their ends; the doors' are asynchronous. */
function leversOf({ cluster }: Twin): Levers {
  const levers = createLevers(cluster);
  const heal =
    (end: () => void): Heal =>
    () => {
      end();
      return Promise.resolve();
    };
  return {
    crashAgent: (node) => heal(levers.crashAgent(node)),
    refuseCniFile: (node) => heal(levers.refuseCniFile(node)),
    slowAgentPull: (node, ms) => heal(levers.slowAgentPull(node, ms)),
  };
}

/** Starting a server and importing its client are real work: the clock counts them. */
async function loopback(
  { clock, server }: Twin,
  jitter: TwinProviderOptions['jitter'],
  closers: (() => Promise<void>)[],
): Promise<Transport> {
  const http = await serveHttp({ clock, server, ...(jitter !== undefined && { jitter }) });
  closers.push(() => http.close());
  const [{ KubeConfig }, { createHttpTransport }] = await Promise.all([
    import('../kube/kube-config.ts'),
    import('../kube/http-transport.ts'),
  ]);
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'twin', server: http.url, skipTLSVerify: true }, { name: 'twin' });
  return createHttpTransport({ kubeconfig: config, embedded: true });
}
