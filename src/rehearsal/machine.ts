/** What a machine does for a run, and what its failures mean for the verdict. */
import { MachineFailure } from '../provider/machine.ts';
import { RehearsalFailure } from './outcome.ts';

/** @throws RehearsalFailure for a failure whose cause the machine knows */
export async function asFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MachineFailure)) throw error;
    const { verdict, reason, message } = error.problem;
    throw new RehearsalFailure(verdict, reason, message, { cause: error });
  }
}
