/** Eviction of a pod under its budgets (kubernetes 1.36 pkg/registry/core/pod/storage/eviction.go; recorded in file 06). */
import type { KubeObject, Pod, PodDisruptionBudget } from '../../kube/objects.ts';
import { isMap } from './json.ts';
import { stamp } from './object-rules.ts';
import type { ResourceInfo } from './registry.ts';
import { badRequest, notFound, preconditionFailed, StatusError } from './status.ts';
import type { Store } from './store.ts';

const BUDGETS = 'poddisruptionbudgets.policy';

export interface Eviction {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly deleteOptions?: {
    readonly gracePeriodSeconds?: number;
    readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
    readonly dryRun?: readonly string[];
  };
}

/** @throws StatusError: 404 gone, 409 another uid, 429 a budget forbids it, 500 more than one budget */
export function evict(
  store: Store,
  info: ResourceInfo,
  ref: { name: string; namespace: string },
  eviction: Eviction,
  dryRun: boolean,
): void {
  if (eviction.metadata?.name !== ref.name) throw badRequest('name in URL does not match name in Eviction object');
  if (eviction.metadata.namespace !== undefined && eviction.metadata.namespace !== ref.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const pod = store.get<KubeObject>('pods', ref.name, ref.namespace) as Pod | undefined;
  if (pod === undefined) throw notFound(info, ref.name);
  const uid = eviction.deleteOptions?.preconditions?.uid;
  if (uid !== undefined && uid !== pod.metadata.uid) {
    throw preconditionFailed(info, ref.name, 'UID', uid, pod.metadata.uid ?? '');
  }
  const version = eviction.deleteOptions?.preconditions?.resourceVersion;
  if (version !== undefined && version !== pod.metadata.resourceVersion) {
    throw preconditionFailed(info, ref.name, 'ResourceVersion', version, pod.metadata.resourceVersion ?? '');
  }
  const dry = dryRun || (eviction.deleteOptions?.dryRun?.length ?? 0) > 0;
  if (!ignoresBudgets(pod)) spendBudget(store, pod, dry);
  if (dry) return;
  markDisrupted(store, pod);
  const grace = eviction.deleteOptions?.gracePeriodSeconds;
  store.remove('pods', ref, grace === undefined ? {} : { gracePeriodSeconds: grace });
}

/** Pods that serve nobody: finished, not yet running, or on their way out already. */
function ignoresBudgets(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return (
    phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined
  );
}

function spendBudget(store: Store, pod: Pod, dry: boolean): void {
  const budgets = store
    .list<KubeObject>(BUDGETS, { namespace: pod.metadata.namespace ?? '' })
    .map((object) => object as unknown as PodDisruptionBudget)
    .filter((budget) => selects(budget, pod.metadata.labels ?? {}));
  const [budget] = budgets;
  if (budget === undefined) return;
  if (budgets.length > 1) {
    const text = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new StatusError(500, undefined, text);
  }
  const { name, namespace, generation = 0 } = budget.metadata;
  const { currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0 } = budget.status ?? {};
  if (!isReady(pod)) {
    // An unready pod costs nothing while enough others are healthy, or always if the policy says so.
    if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return;
    if (currentHealthy >= desiredHealthy && desiredHealthy > 0) return;
  }
  if ((budget.status?.observedGeneration ?? 0) < generation) {
    const cause = `The disruption budget ${name} is still being processed by the server.`;
    throw tooMany(cause, 10);
  }
  if (disruptionsAllowed <= 0) {
    throw tooMany(
      currentHealthy > desiredHealthy
        ? `The disruption budget ${name} does not allow evicting pods currently`
        : `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  if (dry) return;
  store.update<KubeObject>(
    BUDGETS,
    { name, namespace },
    (draft) => {
      const { status } = draft as unknown as PodDisruptionBudget;
      if (status === undefined) return;
      status.disruptionsAllowed = disruptionsAllowed - 1;
      status.disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: stamp(store.time.now()) };
      const allowed = status.conditions?.find((condition) => condition.type === 'DisruptionAllowed');
      if (allowed !== undefined && status.disruptionsAllowed === 0 && allowed.status !== 'False') {
        allowed.status = 'False';
        allowed.reason = 'InsufficientPods';
        allowed.lastTransitionTime = stamp(store.time.now());
      }
    },
    { subresource: 'status' },
  );
}

/** Budgets answer without Retry-After and without a name in the details (recorded). */
function tooMany(cause: string, retryAfterSeconds?: number): StatusError {
  const text = "Cannot evict pod as it would violate the pod's disruption budget.";
  return new StatusError(429, 'TooManyRequests', text, {
    causes: [{ reason: 'DisruptionBudget', message: cause }],
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;

/** A budget without selector selects nothing; an empty selector every pod of the namespace. */
function selects(budget: PodDisruptionBudget, labels: Readonly<Record<string, string>>): boolean {
  const selector = budget.spec?.selector;
  if (!isMap(selector)) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const meets = ({ key, operator, values = [] }: { key: string; operator: string; values?: string[] }): boolean => {
    const value = labels[key];
    if (operator === 'In') return value !== undefined && values.includes(value);
    if (operator === 'NotIn') return value === undefined || !values.includes(value);
    return operator === 'Exists' ? value !== undefined : value === undefined;
  };
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value) && matchExpressions.every(meets);
}

function markDisrupted(store: Store, pod: Pod): void {
  const now = stamp(store.time.now());
  store.update<KubeObject>(
    'pods',
    pod.metadata,
    (draft) => {
      const status = (draft as unknown as Pod).status ?? {};
      const others = (status.conditions ?? []).filter((condition) => condition.type !== 'DisruptionTarget');
      const message = 'Eviction API: evicting';
      const reason = 'EvictionByEvictionAPI';
      const condition = { type: 'DisruptionTarget', status: 'True', lastTransitionTime: now, reason, message };
      draft.status = { ...status, conditions: [...others, condition] };
    },
    { subresource: 'status' },
  );
}
