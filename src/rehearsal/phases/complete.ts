/** Phase 7: no pod may be on the legacy network any more. Normally nothing is left to recycle. */
import { reachCheckpoint } from '../checkpoint.ts';
import { legacyPods, recycle } from '../recycle.ts';
import { nodeNames, type PhaseRunner } from '../rehearsal.ts';

export const complete: PhaseRunner = async (rehearsal) => {
  await rehearsal.journal.inStep('recycle-rest', async () => {
    await recycle(rehearsal, await legacyPods(rehearsal, nodeNames(rehearsal)));
  });
  await reachCheckpoint(rehearsal, ['all-migrated']);
};
