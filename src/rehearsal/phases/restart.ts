/** Phase 10: nodes restarted one by one (or in batches of workers), control planes last: it clears Calico's kernel state. */
import { nodes } from '../../kube/resources.ts';
import { reachCheckpoint } from '../checkpoint.ts';
import { restartNode } from '../node-restart.ts';
import { RehearsalFailure } from '../outcome.ts';
import { type PhaseRunner, together } from '../rehearsal.ts';

export const restart: PhaseRunner = async (rehearsal) => {
  const { api, journal, plan } = rehearsal;
  // Nodes of the API, not of `kind get nodes`: that lists the load balancer too, which must never be restarted.
  const known = new Set((await api.list(nodes)).items.map(({ metadata }) => metadata.name));
  for (const batch of plan.restartBatches) {
    await together(batch, (node) =>
      journal.inStep(`restart/${node.name}`, async () => {
        if (!known.has(node.name)) {
          const message = `restart of ${node.name}: the API knows no such node any more (kubectl get nodes)`;
          throw new RehearsalFailure('failed', 'node-not-ready', message);
        }
        await restartNode(rehearsal, node);
        journal.restarted.add(node.name);
      }),
    );
    await reachCheckpoint(
      rehearsal,
      batch.map(({ name }) => `restarted/${name}`),
    );
  }
};
