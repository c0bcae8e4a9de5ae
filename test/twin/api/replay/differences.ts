/**
 * Where the embedded API server may answer otherwise than the recorded one, and why: the whole list. The test replays every
 * entry; a line that excuses nothing fails, as does a difference that no line names. docs/api-recordings.md tells it
 * to readers (page.ts).
 */

export interface Excuse {
  readonly file: string;
  readonly entries: readonly string[];
  /** Which paths of the answer may differ; all of them unless given. */
  readonly at?: RegExp;
  readonly why: string;
}

const EVENTS = 'controllers and the scheduler record no Events here; only kubelets do';
const COPY = "the recorder's copy of the object was changed by a later step";
const RACE = 'the recording shows how far a controller had come between two requests';
const UNRECORDED = 'a step between the entries of the recording is not written down there';
const BATCHES = 'how many times a controller writes depends on how it batches (rule 9)';
const KUBELET = 'no kubelet answers here: 501 by name';
const RECORDER = 'content that the fake kubelet of the recording invented';

export const EXCUSES: readonly Excuse[] = [
  {
    file: '01-discovery',
    entries: ['version'],
    at: /gitCommit|buildDate|goVersion/,
    why: 'the build of the recording',
  },
  { file: '01-discovery', entries: ['api-plain'], at: /serverAddress$/, why: 'the address of the recording' },
  {
    file: '01-discovery',
    entries: ['apis-events.k8s.io-v1'],
    why: 'Events are served in the core group only; events.k8s.io is refused by name (501)',
  },
  {
    file: '01-discovery',
    entries: ['openapi-v3-index'],
    at: /paths/,
    why: 'only the documents of served group versions are listed, and hashes differ',
  },
  {
    file: '01-discovery',
    entries: ['openapi-v2-json'],
    why: 'OpenAPI v2 is served in protobuf only, as kubectl asks for it; JSON: 501 by name',
  },
  { file: '01-discovery', entries: ['path/'], at: /paths/, why: 'only paths that are served are listed' },
  {
    file: '01-discovery',
    entries: ['readyz-verbose'],
    at: /^body$/,
    why: 'the checks of a real server do not exist here',
  },
  { file: '02-crud', entries: ['cm-get'], at: /data\.k$/, why: COPY },
  { file: '02-crud', entries: ['deploy-get-zero'], at: /labels\.app$|matchLabels\.app$/, why: COPY },
  { file: '02-crud', entries: ['pod-log'], why: KUBELET },
  {
    file: '02-crud',
    entries: ['unauthorized-impersonation-403'],
    why: 'there is no authorization, so nobody can act as somebody else: 501 by name',
  },
  {
    file: '03-patch',
    entries: [
      'sm-volume-retainkeys',
      'sm-strategy-retainkeys',
      'sm-labels-null',
      'sm-labels-map-replace',
      'sm-annotations',
      'sm-volumemounts',
      'sm-ports',
      'sm-finalizers',
      'sm-finalizers-add',
      'sm-finalizers-delete',
      'sm-noop',
      'sm-restartedAt',
      'status-get',
      'status-merge-ignores-spec',
      'main-ignores-status',
    ],
    at: /kubernetes\.io\/revision$|observedGeneration$/,
    why: RACE,
  },
  {
    file: '03-patch',
    entries: ['main-ignores-status'],
    at: /managedFields$/,
    why: 'controllers keep no book of what they write (rule 5), so they take nothing over from others',
  },
  { file: '04-list', entries: ['field-pod-node', 'field-pod-two'], why: 'which node the scheduler chooses (rule 8)' },
  { file: '04-list', entries: ['field-ns-phase'], at: /items/, why: UNRECORDED },
  { file: '04-list', entries: ['field-events', 'table-events', 'events-raw'], why: EVENTS },
  { file: '04-list', entries: ['table-pods'], at: /cells\[2\]/, why: RECORDER },
  {
    file: '04-list',
    entries: ['table-endpointslices', 'endpointslices-raw'],
    at: /generation$|last-change-trigger-time|metadata\.annotations$/,
    why: 'EndpointSlices carry no trigger time here, and the batches differ (rule 9)',
  },
  { file: '04-list', entries: ['endpointslices-raw'], at: /targetRef/, why: 'the order of endpoints with drawn names' },
  { file: '04-list', entries: ['table-include-object'], at: /message$/, why: UNRECORDED },
  {
    file: '04-list',
    entries: ['nodes-raw'],
    at: /managedFields$/,
    why: 'controllers keep no book of what they write (rule 5), so they take nothing over from others',
  },
  {
    file: '06-eviction',
    entries: ['watch-pod-free-during-eviction', 'watch-pdb-transitions'],
    at: /endedAt$/,
    why: 'the recorder closed these streams',
  },
  { file: '06-eviction', entries: ['watch-pdb-transitions'], at: /^lines/, why: BATCHES },
  { file: '07-deletion', entries: ['pod-delete-unscheduled'], at: /message$/, why: UNRECORDED },
  { file: '07-deletion', entries: ['pod-delete-terminal'], at: /^pods\/p5\.status/, why: RECORDER },
  {
    file: '08-rollouts',
    entries: ['ds-maxunavailable-2-all', 'ds-broken-update-unready'],
    at: /pod-template-generation$|metadata\.(name|uid)$|volumes\[0\]\.name$|volumeMounts|outline$|status|spec|np-/,
    why: UNRECORDED,
  },
  {
    file: '08-rollouts',
    entries: ['deploy-image-change', 'deploy-rollout-restart', 'deploy-scale-up-6', 'deploy-scale-down-4'],
    at: /replicasets\/[^.]+\.(metadata\.generation|status\.observedGeneration)$/,
    why: BATCHES,
  },
  {
    file: '08-rollouts',
    entries: [
      'deploy-pod-deleted-by-hand',
      'node-cordon-drain-uncordon',
      'deploy-broken-image-then-undo',
      'deploy-progress-deadline',
    ],
    why: 'the recording names pods that its own controller had chosen to keep, and changes a template between the entries',
  },
  { file: '08-rollouts', entries: ['events-of-namespace'], why: EVENTS },
  {
    file: '09-crd',
    entries: ['crd-two-storage-422'],
    at: /message$|causes/,
    why: 'ends in the words of an internal type; of two faults the first is told',
  },
  {
    file: '09-crd',
    entries: ['apiservice-made-for-crd'],
    why: 'no APIServices are made for built-in and custom groups',
  },
  { file: '09-crd', entries: ['crd-names-conflict'], why: 'definitions whose names clash are not told apart' },
  { file: '10-scheduler', entries: ['nodes'], at: /^body/, why: 'shortened by the recorder' },
  {
    file: '10-scheduler',
    entries: ['taint-and-cordon'],
    at: /outline$|status/,
    why: 'the back-off of a pod that did not fit is cut short by other events in the recording',
  },
  { file: '10-scheduler', entries: ['events-noexecute'], why: EVENTS },
  {
    file: '11-node-lifecycle',
    entries: ['lease-stops', 'node-created'],
    why: 'recorded with a grace period of 12 s (50 s here) and with workloads that are not among the entries',
  },
  { file: '11-node-lifecycle', entries: ['events-lease-stops'], why: EVENTS },
  ...['12-kubectl-1.32', '12b-kubectl-1.36'].flatMap((file): Excuse[] => [
    { file, entries: ['exec', 'logs', 'port-forward'], at: /\/(exec|log|portforward)$/, why: KUBELET },
    { file, entries: ['drain-force'], at: /pods\/bare$/, why: 'a poll at the very moment at which the pod ends' },
  ]),
  {
    file: '12-kubectl-1.32',
    entries: ['drain'],
    at: /pods\//,
    why: 'a poll at the very moment at which the pod ends',
  },
  {
    file: '13-extra',
    entries: ['body-over-3MiB-413'],
    why: 'the size is checked where bodies are read; see http-server.test.ts',
  },
  { file: '13-extra', entries: ['pdb-bare-events'], why: EVENTS },
];
