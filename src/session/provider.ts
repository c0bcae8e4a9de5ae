/** The provider of a run, or one sentence why this machine has none. */
import { createProvider, type ProviderName, type ProviderOptions } from '../provider/create.ts';
import { MachineFailure } from '../provider/machine.ts';
import type { Provider } from '../provider/provider.ts';
import { RunProblem } from './problem.ts';

/** @throws RunProblem */
export async function openProvider(name: ProviderName, options: ProviderOptions): Promise<Provider> {
  try {
    return await createProvider(name, options);
  } catch (error) {
    if (!(error instanceof MachineFailure)) throw error;
    throw new RunProblem(error.problem.verdict, error.message, { cause: error });
  }
}
