/** A provider by its name. What stands behind the doors takes long to load, so each is loaded only when it is asked for. */
import type { Scenario } from '../scenario/scenario.ts';
import { WallClock } from '../time/wall-clock.ts';
import type { KindProviderOptions } from './kind.ts';
import type { Provider } from './provider.ts';

export type ProviderName = Provider['name'];

export interface ProviderOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** What only `kind` takes: image mirrors, versions of tools, what to do before there is a cluster. */
  readonly kind?: Partial<Omit<KindProviderOptions, 'scenario' | 'toolPaths'>>;
}

export async function createProvider(name: ProviderName, options: ProviderOptions): Promise<Provider> {
  if (name === 'twin') {
    const { createTwinProvider } = await import('./twin.ts');
    return createTwinProvider(options);
  }
  const [{ createKindProvider }, { realHost }, { commandEnvironment }] = await Promise.all([
    import('./kind.ts'),
    import('../host/real-host.ts'),
    import('./kind/environment.ts'),
  ]);
  const { scenario, kind = {} } = options;
  const clock = kind.clock ?? new WallClock();
  const environment = commandEnvironment(kind.env ?? process.env, scenario);
  const paths = new Map<string, string>();
  const host = kind.host ?? realHost({ clock, environment, paths });
  return createKindProvider({ ...kind, scenario, clock, host, toolPaths: paths });
}
