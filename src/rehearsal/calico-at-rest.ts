/** Waiting until the Tigera operator has nothing left to do, and saying why when it never gets there. */
import { CALICO_NODE, expectedStatuses } from '../cni/calico.ts';
import { apiServers, goldmanes, installations, type TigeraStatus, tigeraStatuses, whiskers } from '../cni/resources.ts';
import type { Resource } from '../kube/api.ts';
import type { Condition, KubeObject } from '../kube/objects.ts';
import { daemonSets } from '../kube/resources.ts';
import { WaitTimeout } from '../kube/wait.ts';
import { find } from './patient-api.ts';
import type { Rehearsal } from './rehearsal.ts';
import { daemonSetPending } from './rollout.ts';

/** The resource whose generation a status speaks of (tigera/operator v1.40.15, SetMetaData of each controller). */
const SUBJECT: Readonly<Record<string, Resource<KubeObject>>> = {
  calico: installations,
  ippools: installations,
  apiserver: apiServers,
  goldmane: goldmanes,
  whisker: whiskers,
};

function condition(status: TigeraStatus | undefined, type: string): Condition | undefined {
  return status?.status?.conditions?.find((found) => found.type === type);
}

/** What keeps a status from being Available at its resource's generation; null when nothing does. */
export function statusPending(
  name: string,
  status: TigeraStatus | undefined,
  generation: number | undefined,
): string | null {
  if (!status) return `TigeraStatus ${name} does not exist yet`;
  const degraded = condition(status, 'Degraded');
  if (degraded?.status === 'True') return `${name} is Degraded: ${degraded.message ?? degraded.reason ?? ''}`;
  const available = condition(status, 'Available');
  if (available?.status !== 'True') {
    return `${name} is not Available: ${condition(status, 'Progressing')?.message ?? available?.message ?? 'no condition yet'}`;
  }
  // Operators before 1.30 write no observedGeneration.
  if (
    available.observedGeneration !== undefined &&
    generation !== undefined &&
    available.observedGeneration < generation
  ) {
    return `${name} speaks of generation ${available.observedGeneration}, not ${generation}`;
  }
  return null;
}

/** Names of the statuses that say Degraded, with their messages. */
export async function degradedStatuses(rehearsal: Rehearsal): Promise<{ name: string; why: string; reason: string }[]> {
  const statuses = await rehearsal.api.list(tigeraStatuses);
  return statuses.items.flatMap((status) => {
    const degraded = condition(status, 'Degraded');
    return degraded?.status === 'True'
      ? [{ name: status.metadata.name, why: degraded.message ?? '', reason: degraded.reason ?? '' }]
      : [];
  });
}

/**
 * Waits until every TigeraStatus is Available at the generation of its resource and calico-node is rolled out on every
 * node. The operator writes defaults into its resources, so their generations are read again after each wait: it rests
 * when a whole round changes nothing.
 */
export async function waitForCalicoAtRest(rehearsal: Rehearsal): Promise<void> {
  const { api, clock, scenario, limits, plan } = rehearsal;
  const expected = expectedStatuses(scenario.calico.version);
  const until = clock.monotonic() + 2 * limits.calico;
  for (let before = ''; ; ) {
    // Each round's waits may pass at once while the operator changes its mind for ever.
    if (before !== '' && clock.monotonic() > until) {
      throw new WaitTimeout("Calico's operator to rest", `generations change again and again: ${before}`);
    }
    const generations = new Map<string, number>();
    for (const name of expected) {
      const subject = SUBJECT[name];
      const object = subject && (await find(api, subject, { name: 'default' }));
      if (object?.metadata.generation !== undefined) generations.set(name, object.metadata.generation);
    }
    await rehearsal.wait({
      what: "Calico's operator to report everything Available",
      resource: tigeraStatuses,
      timeoutMs: limits.calico,
      pending: (statuses) => {
        const names = [...new Set([...expected, ...statuses.map((status) => status.metadata.name)])].sort();
        const missing = names.flatMap((name) => {
          const status = statuses.find((candidate) => candidate.metadata.name === name);
          return statusPending(name, status, generations.get(name)) ?? [];
        });
        return missing.length === 0 ? null : missing.join('; ');
      },
    });
    const sets = await rehearsal.wait({
      what: 'calico-node to be rolled out on every node',
      resource: daemonSets,
      ...CALICO_NODE,
      timeoutMs: limits.calico,
      pending: (found) => daemonSetPending(found[0], plan.nodes.length),
    });
    const now = JSON.stringify([[...generations], sets[0]?.metadata.generation]);
    if (now === before) return;
    if (before !== '') await clock.sleep(1_000, rehearsal.signal);
    before = now;
  }
}
