/** A disruption budget that never lets a pod on one node go. */
import { KubeError } from '../../kube/api.ts';
import type { Deployment, PodDisruptionBudget } from '../../kube/objects.ts';
import { deployments, nodes, podDisruptionBudgets, pods } from '../../kube/resources.ts';
import { waitFor } from '../../kube/wait.ts';
import { durationMs } from '../../time/duration.ts';
import type { Expectation, FaultWorld, InjectedFault } from '../fault.ts';
import { allMade } from '../on-nodes.ts';
import { failedAt, Story } from '../story.ts';

const NAME = 'pdb-never-met';
const NAMESPACE = 'default';
const LABELS = { app: NAME };
const REF = { name: NAME, namespace: NAMESPACE };
/** Where the node does not say which one it has. */
const IMAGE = 'registry.k8s.io/pause:3.10';
const START_MS = 120_000;
/** The rest of a drain once nothing holds it: an eviction, and a pod that ends. */
const DRAIN_MS = 15_000;

export const pdbNeverMet: InjectedFault = {
  kind: 'injected',
  name: NAME,
  summary: 'a PodDisruptionBudget never lets a pod on one node be evicted',
  ends: '`failed:drained/NODE`, naming the budget',
  mechanism:
    'A Deployment of one pod, bound to the node, with a PodDisruptionBudget of minAvailable 1: its eviction is refused (429) ' +
    "for ever, so the node's drain runs into its limit. A drain that is over is not disturbed.",
  source: 'kubernetes pkg/registry/core/pod/storage/eviction.go; recorded: 429 with cause DisruptionBudget',
  providers: ['twin', 'kind'],
  arguments: {
    node: { help: 'the node whose drain is blocked', required: true },
    at: { help: 'when the workload is deployed', otherwise: "the beginning of the node's drain (drain/NODE)" },
    for: { help: 'how long', otherwise: 'to the end of the run' },
  },
  refusedBy: null,
  starts: (args) => `drain/${args.node!}`,
  inject: async (world, args) => {
    const { api, signal } = world;
    const image = await pauseImage(world, args.node!);
    // Taken back in the other order: without its budget the workload's controller would bind another pod to the node.
    return allMade(world, [
      async () => {
        await api.create(podDisruptionBudgets, budget(), { signal });
        return (doors) => unlessGone(() => doors.api.delete(podDisruptionBudgets, REF, { signal: doors.signal }));
      },
      async () => {
        await api.create(deployments, workload(args.node!, image), { signal });
        return (doors) =>
          unlessGone(() => doors.api.delete(deployments, REF, { propagation: 'Background', signal: doors.signal }));
      },
      async () => {
        await untilRunning(world);
        return () => Promise.resolve();
      },
    ]);
  },
  expected: (run): Expectation => {
    const story = new Story(run);
    const drain = `drain/${run.args.node!}`;
    const at = run.args.at ?? drain;
    const start = story.place(at);
    const hit = start === undefined ? undefined : story.judgedAfter([drain], start);
    if (hit === undefined || healedInTime(run.args.for, story.momentOf(at), story.momentOf(drain))) {
      return { outcome: 'passed' };
    }
    return { outcome: failedAt(hit.sweep), blame: { reasons: ['drain-blocked'], names: [NAME] } };

    function healedInTime(lasts: string | undefined, began: number | undefined, drained: number | undefined): boolean {
      if (lasts === undefined || began === undefined || drained === undefined) return false;
      return began + durationMs(lasts) + DRAIN_MS < drained + durationMs(run.scenario.migration.drain.timeout);
    }
  },
};

/** The node's own sandbox image, so that there is nothing to pull: which one differs with the release of Kubernetes. */
async function pauseImage({ api, signal }: FaultWorld, node: string): Promise<string> {
  const { status } = await api.get(nodes, { name: node }, { signal });
  const names = (status?.images ?? []).flatMap((image) => image.names ?? []);
  return names.find((name) => /(^|\/)pause:[\w.-]+$/.test(name)) ?? IMAGE;
}

function budget(): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: { minAvailable: 1, selector: { matchLabels: LABELS } },
  };
}

/** Bound by name, past the scheduler: the node is cordoned when its drain begins. */
function workload(nodeName: string, image: string): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, namespace: NAMESPACE, labels: LABELS },
    spec: {
      replicas: 1,
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: { nodeName, containers: [{ name: 'pause', image }], terminationGracePeriodSeconds: 1 },
      },
    },
  };
}

/** A pod that is Pending may be evicted past any budget (kubernetes eviction.go, canIgnorePDB). */
async function untilRunning({ api, clock, signal }: FaultWorld): Promise<void> {
  const deadline = clock.deadline(START_MS, signal);
  try {
    await waitFor({
      api,
      clock,
      signal: deadline.signal,
      what: `the pod of ${NAMESPACE}/${NAME} to run`,
      resource: pods,
      options: { namespace: NAMESPACE, labelSelector: `app=${NAME}` },
      until: (found) => found.some((pod) => pod.status?.phase === 'Running') || 'it does not run yet',
    });
  } finally {
    deadline.clear();
  }
}

async function unlessGone(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 404)) throw error;
  }
}
