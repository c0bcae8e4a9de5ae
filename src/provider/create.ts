/** A provider by its name. What stands behind the doors takes long to load, so each is loaded only when it is asked for. */
import type { Scenario } from '../scenario/scenario.ts';
import type { Provider } from './provider.ts';

export type ProviderName = Provider['name'];

export interface ProviderOptions {
  readonly scenario: Scenario;
  readonly seed: number;
}

export async function createProvider(name: ProviderName, options: ProviderOptions): Promise<Provider> {
  if (name === 'kind') throw new Error('the provider kind is not in this version');
  const { createTwinProvider } = await import('./twin.ts');
  return createTwinProvider(options);
}
