/** The DaemonSet controller: one pod a node (pkg/controller/daemon/daemon_controller.go, 1.36). */
import type { DaemonSet, Node, Pod } from '../../kube/objects.ts';
import { clone, controllerOf, keyOf, type Owner, refOf } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { publishStatus } from './daemonset-status.ts';
import { podsToReplace } from './daemonset-update.ts';
import { matchesNodeAffinity, pinnedNodes, untolerated } from './node-fit.ts';
import {
  createPod,
  deletePod,
  isDeleting,
  isTerminal,
  type PodSpec,
  phaseOf,
  podIndex,
  type Toleration,
} from './pods.ts';
import { currentRevision, trimHistory } from './revisions.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'daemonsets.apps';
/** A failed daemon pod is replaced with back-off, 1 s doubling to 15 min. */
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 15 * 60_000;

/** What happens on one node: should a pod be there, may one that is there stay? */
export interface Claim {
  readonly node: Node;
  readonly shouldRun: boolean;
  readonly mayStay: boolean;
  /** Pods of the set on this node, without those that are deleted and over; oldest first. */
  readonly pods: readonly Pod[];
}

/** The tolerations that the controller adds to every daemon pod, and to those on the host network. */
export function daemonTolerations(spec: PodSpec): Toleration[] {
  const added: Toleration[] = [
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
  ];
  if (spec.hostNetwork) {
    added.push({ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' });
  }
  const own = (spec.tolerations ?? []).filter(
    (one) => !added.some((add) => add.key === one.key && add.effect === one.effect && one.operator === 'Exists'),
  );
  return [...own, ...added];
}

/** By required affinity and taints only: a cordon, resources and host ports are the scheduler's business. */
function claimOn(node: Node, spec: PodSpec, tolerations: readonly Toleration[], pods: readonly Pod[]): Claim {
  const fits = (spec.nodeName === undefined || spec.nodeName === node.metadata.name) && matchesNodeAffinity(spec, node);
  if (!fits) return { node, shouldRun: false, mayStay: false, pods };
  const taints = node.spec?.taints;
  if (untolerated(taints, tolerations, ['NoSchedule', 'NoExecute']) !== undefined) {
    return { node, shouldRun: false, mayStay: untolerated(taints, tolerations, ['NoExecute']) === undefined, pods };
  }
  return { node, shouldRun: true, mayStay: true, pods };
}

/** The node of a daemon pod, bound or not yet. */
const targetOf = (pod: Pod): string => pod.spec?.nodeName ?? [...(pinnedNodes(pod.spec!) ?? [])][0] ?? '';

const byAge = (a: Pod, b: Pod): number => {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return left < right ? -1 : left > right ? 1 : a.metadata.name < b.metadata.name ? -1 : 1;
};

/** Pins a template's pods to one node and leaves the binding to the scheduler. */
function pinTo(spec: PodSpec, node: string): void {
  const affinity = { ...spec.affinity };
  const fields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const terms = affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  affinity.nodeAffinity = {
    ...affinity.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms:
        terms === undefined || terms.length === 0
          ? [{ matchFields: fields }]
          : terms.map((term) => ({ ...term, matchFields: fields })),
    },
  };
  spec.affinity = affinity;
}

export function startDaemonSets(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  const pods = podIndex(store);
  const failures = new Map<string, { count: number; until: number }>();

  const reconcile = (key: string): void => {
    const set = store.get<DaemonSet>(RESOURCE, refOf(key).name, refOf(key).namespace);
    if (set?.spec === undefined || set.metadata.deletionTimestamp !== undefined) return;
    const spec = set.spec;
    const namespace = set.metadata.namespace ?? '';
    const owner: Owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: set.metadata.name, uid: set.metadata.uid! };
    const labels = spec.template.metadata?.labels;
    const hash = currentRevision(world, owner, namespace, spec.template, labels, set.metadata.annotations);
    const templateSpec = clone(spec.template.spec) ?? { containers: [] };
    templateSpec.tolerations = daemonTolerations(templateSpec);

    const claims = (): Claim[] => {
      const byNode = new Map<string, Pod[]>();
      for (const pod of pods.ownedBy(owner.uid)) {
        // A pod that is deleted and over no longer blocks its successor (recorded: ds-image-change).
        if (isDeleting(pod) && isTerminal(pod)) continue;
        const node = targetOf(pod);
        byNode.set(node, [...(byNode.get(node) ?? []), pod]);
      }
      return store
        .list<Node>('nodes')
        .map((node) =>
          claimOn(
            node,
            templateSpec,
            templateSpec.tolerations ?? [],
            (byNode.get(node.metadata.name) ?? []).sort(byAge),
          ),
        );
    };

    let acted = false;
    for (const claim of claims()) acted = settleNode(set, owner, hash, claim) || acted;
    if (!acted && spec.updateStrategy?.type !== 'OnDelete') {
      // The real controller walks over a Go map: the order of the nodes is random.
      const order = world.random(`controllers/daemonset/${key}`).shuffle(claims());
      for (const pod of podsToReplace(set, hash, order, time.now())) deletePod(world, pod, owner);
    }
    trimHistory(
      world,
      owner,
      namespace,
      new Set([hash, ...pods.ownedBy(owner.uid).map((pod) => pod.metadata.labels?.['controller-revision-hash'] ?? '')]),
      spec.revisionHistoryLimit ?? 10,
    );
    const again = publishStatus(world, set, hash, claims(), !acted);
    if (acted) queue.add(key, 5);
    if (again !== undefined) queue.add(key, again);
  };

  /** Creates the missing pod of a node, deletes surplus, failed and unwanted ones. Returns whether it did anything. */
  const settleNode = (set: DaemonSet, owner: Owner, hash: string, claim: Claim): boolean => {
    const { node, pods: present } = claim;
    const living = present.filter((pod) => !isDeleting(pod));
    if (!claim.mayStay) {
      for (const pod of living) deletePod(world, pod, owner);
      return living.length > 0;
    }
    const over = living.filter(isTerminal);
    const running = living.filter((pod) => !isTerminal(pod));
    let acted = false;
    for (const pod of over) acted = removeFailed(set, node.metadata.name, pod) || acted;
    for (const surplus of running.slice(1)) {
      deletePod(world, surplus, owner);
      acted = true;
    }
    if (!claim.shouldRun || present.length > 0) return acted;
    createPod(
      world,
      owner,
      set.metadata.namespace ?? '',
      set.spec!.template,
      { generateName: `${set.metadata.name}-` },
      (draft) => {
        draft.metadata.labels = {
          ...draft.metadata.labels,
          'controller-revision-hash': hash,
          'pod-template-generation': String(set.metadata.generation ?? 1),
        };
        const spec = draft.spec!;
        pinTo(spec, node.metadata.name);
        spec.tolerations = daemonTolerations(spec);
      },
    );
    return true;
  };

  const removeFailed = (set: DaemonSet, node: string, pod: Pod): boolean => {
    if (phaseOf(pod) === 'Failed') {
      const slot = `${set.metadata.uid}/${node}`;
      const backoff = failures.get(slot) ?? { count: 0, until: 0 };
      if (time.now() < backoff.until) {
        queue.add(keyOf(set), backoff.until - time.now());
        return false;
      }
      const wait = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** backoff.count);
      failures.set(slot, { count: backoff.count + 1, until: time.now() + wait });
    }
    deletePod(world, pod);
    return true;
  };

  const queue = workQueue(plane, reconcile);
  const all = (): void => {
    for (const set of store.list<DaemonSet>(RESOURCE)) queue.add(keyOf(set));
  };
  plane.onElected(all);
  store.onChange<DaemonSet>(RESOURCE, (event) => {
    if (event.type !== 'DELETED') queue.add(keyOf(event.object));
  });
  store.onChange<Pod>('pods', ({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === 'DaemonSet') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
  store.onChange<Node>('nodes', ({ type, object, previous }) => {
    const relevant = (node: Node | undefined) => JSON.stringify([node?.metadata.labels, node?.spec?.taints]);
    if (type !== 'MODIFIED' || relevant(object) !== relevant(previous)) all();
  });
}
