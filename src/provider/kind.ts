/** The provider whose cluster is made by kind on this machine's Docker: real nodes, real time. */
import { readFileSync } from 'node:fs';
import type { Host } from '../host/host.ts';
import { createKubeApi } from '../kube/client.ts';
import { createHttpTransport } from '../kube/http-transport.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Clock } from '../time/clock.ts';
import { WallClock } from '../time/wall-clock.ts';
import { withChartsFrom } from './kind/chart-source.ts';
import { KindMachine } from './kind/kind-machine.ts';
import { type Machinery, thisMachinery } from './kind/machine-facts.ts';
import { RunDirectory, startOf, stateDirectory } from './kind/run-directory.ts';
import type { WantedTools } from './kind/tools.ts';
import { reviewForKind } from './kind-review.ts';
import type { Provider } from './provider.ts';

export interface KindProviderOptions {
  readonly scenario: Scenario;
  /** Starts the commands; it does so in {@link commandEnvironment}. */
  readonly host: Host;
  readonly clock?: Clock;
  /** Where images are pulled from instead: `PREFIX` for all registries, `REGISTRY=PREFIX` for one. */
  readonly imageMirrors?: readonly string[];
  /** Versions of tools; ours unless given. */
  readonly tools?: WantedTools;
  /** The paths that the host was given: filled when the tools are set up. */
  readonly toolPaths?: Map<string, string>;
  /** Awaited right before `kind create cluster`; from then on there may be a cluster to delete. */
  readonly beforeCreate?: (cluster: { readonly name: string; readonly kubeconfig: string }) => Promise<void>;
  readonly env?: Machinery['env'];
  readonly machinery?: Machinery;
  /** Where runs keep what they need while their cluster lives; below the user's state directory unless given. */
  readonly state?: string;
}

export function createKindProvider(options: KindProviderOptions): Provider {
  const { scenario, host, beforeCreate } = options;
  const clock = options.clock ?? new WallClock();
  const machinery = options.machinery ?? thisMachinery(options.env ?? process.env);
  const state = options.state ?? stateDirectory(machinery.env);
  const { name } = scenario.cluster;
  const directory = new RunDirectory({ state, cluster: name, self: { pid: process.pid, started: ownStart() } });
  const { kubeconfig } = directory;
  const machine = new KindMachine({
    ...{ scenario, host, clock, machinery, directory, state },
    mirrors: options.imageMirrors ?? [],
    tools: options.tools ?? {},
    toolPaths: options.toolPaths ?? new Map<string, string>(),
    beforeCreate: beforeCreate && (() => beforeCreate({ name, kubeconfig })),
  });
  const closers: (() => Promise<void>)[] = [];
  return {
    name: 'kind',
    simulated: false,
    clock,
    host: withChartsFrom(host, options.tools?.baseUrl),
    kubeconfig,
    machine,
    connect: async (file) => {
      const transport = await createHttpTransport({ kubeconfig: file });
      closers.push(() => transport.close());
      return createKubeApi({ clock, transport });
    },
    review: reviewForKind,
    // Only a pull tells.
    imageExists: () => 'unknown',
    run: (main) => main(),
    interrupt: (action) => action(),
    leftBehind: () => (directory.marked ? machine.deleteCommand() : null),
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close();
      await machine.close();
    },
  };
}

function ownStart(): string {
  try {
    return startOf(readFileSync('/proc/self/stat', 'utf8'));
  } catch {
    return '';
  }
}
