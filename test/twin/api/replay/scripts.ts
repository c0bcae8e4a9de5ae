/** The set-up of each recorded file that is not among its entries (README of the recording). */
import { MERGE } from './cluster.ts';
import type { Replay, Script } from './replay.ts';
import { onlyServed } from './served.ts';

const container = { name: 'c', image: 'a:1' };

function pod(
  replay: Replay,
  namespace: string,
  name: string,
  more: { annotations?: object; labels?: object; spec?: object } = {},
): void {
  const { annotations, labels, spec } = more;
  replay.cluster.must('POST', `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: { containers: [container], ...spec },
  });
}

const UNREADY = { annotations: { 'rec/unready': 'true' } };

const list: Script = {
  prepare: (replay) => {
    const { cluster } = replay;
    // Left over from the files before it.
    for (const name of ['t2', 't3', 't4']) cluster.namespace(name);
    pod(replay, 't2', 'p1');
    for (const name of ['m-1', 'm-3']) {
      const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: '2026-01-01T00:00:00.000000Z' };
      cluster.must('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {
        metadata: { name },
        spec,
      });
    }
    for (const i of [0, 1, 2, 3, 4]) {
      cluster.must('POST', '/api/v1/namespaces/t4/configmaps?fieldManager=rec', {
        metadata: { name: `c${i}`, labels: { set: 'x', i: String(i), tier: i < 3 ? 'a' : 'b' } },
        data: { k: String(i) },
      });
    }
  },
  before: {
    'list-continue-2-after-a-create': ({ cluster }) => {
      cluster.must('POST', '/api/v1/namespaces/t4/configmaps', { metadata: { name: 'c9' } });
    },
    'list-limit-with-selector': ({ cluster }) => {
      cluster.must('DELETE', '/api/v1/namespaces/t4/configmaps/c9');
    },
    'field-pod-name': (replay) => {
      const { cluster } = replay;
      const labels = (app: string) => ({
        selector: { matchLabels: { app } },
        template: {
          metadata: { labels: { app } },
          spec: {
            terminationGracePeriodSeconds: 5,
            containers: [
              { name: 'c', image: 'example.com/app:1' },
              { name: 'side', image: 'example.com/side:1' },
            ],
          },
        },
      });
      cluster.must('POST', '/apis/apps/v1/namespaces/t4/deployments', {
        metadata: { name: 'dep', labels: { app: 'dep' } },
        spec: { replicas: 2, ...labels('dep') },
      });
      cluster.must('POST', '/apis/apps/v1/namespaces/t4/daemonsets', {
        metadata: { name: 'dset', labels: { app: 'dset' } },
        spec: labels('dset'),
      });
      pod(replay, 't4', 'pend', { spec: { nodeSelector: { no: 'x' } } });
      pod(replay, 't4', 'done', { annotations: { 'rec/complete': 'Succeeded' }, spec: { restartPolicy: 'Never' } });
      pod(replay, 't4', 'unready', UNREADY);
      pod(replay, 't4', 'termin', { annotations: { 'rec/noend': 'true' } });
      cluster.must('POST', '/api/v1/namespaces/t4/services', {
        metadata: { name: 'svc' },
        spec: { type: 'NodePort', selector: { app: 'dep' }, ports: [{ port: 80, nodePort: 32100 }] },
      });
      cluster.run(3_000);
      cluster.must('DELETE', '/api/v1/namespaces/t4/pods/termin');
      cluster.run(200);
    },
  },
};

const STREAMS = [
  'from-rv',
  'no-rv',
  'rv0',
  'selector-label',
  'selector-name',
  'table',
  'metadata-only',
  'sendInitialEvents',
  'sendInitialEvents-no-bookmarks',
  'sendInitialEvents-false',
  'sendInitialEvents-rv',
  'all-namespaces-configmaps-label',
];

/** The steps that the recording of watches names in its notes. */
function watchStory({ cluster }: Replay): void {
  const maps = '/api/v1/namespaces/t5/configmaps';
  const merge = (name: string, patch: object) => cluster.must('PATCH', `${maps}/${name}`, patch, MERGE);
  const steps = [
    () => cluster.must('POST', maps, { metadata: { name: 'a', labels: { x: '1' } }, data: { k: '1' } }),
    () => cluster.must('POST', maps, { metadata: { name: 'b' }, data: { k: '1' } }),
    () => merge('a', { data: { k: '2' } }),
    () => merge('a', { data: { k: '2' } }),
    () => merge('a', { metadata: { labels: { x: '2' } } }),
    () => merge('b', { metadata: { labels: { x: '1' } } }),
    () => merge('b', { metadata: { finalizers: ['example.com/f'] } }),
    () => cluster.must('DELETE', `${maps}/b`),
    () => merge('b', { metadata: { finalizers: null } }),
    () => cluster.must('DELETE', `${maps}/a`),
  ];
  for (const step of steps) {
    step();
    cluster.run(300);
  }
}

/** The recording's resourceVersion at which this happened stands for the newest of this cluster. */
const now = (replay: Replay, ...recorded: string[]): void => {
  for (const version of recorded)
    replay.known.rebind('list', version, String(replay.cluster.world.store.resourceVersion()));
};

const watch: Script = {
  prepare: (replay) => {
    const { cluster } = replay;
    cluster.namespace('t5');
    cluster.must('POST', '/api/v1/namespaces/t5/configmaps', { metadata: { name: 'old' }, data: { k: '1' } });
    now(replay, '1807');
  },
  before: {
    'from-rv': (replay) => {
      for (const name of STREAMS) replay.open(name);
      replay.cluster.run(500);
      watchStory(replay);
      replay.cluster.run(500);
    },
    'old-rv-410': ({ cluster }) => {
      const { store } = cluster.world;
      for (let i = 0; i < 10_000; i++) {
        store.create('configmaps', { metadata: { name: 'x', namespace: 'default' } });
        store.remove('configmaps', { name: 'x', namespace: 'default' });
      }
    },
    'compacted-but-cached-rv': (replay) => {
      const maps = '/api/v1/namespaces/t5/configmaps';
      for (const i of [0, 1, 2, 3]) {
        replay.cluster.must('POST', maps, { metadata: { name: `p${i}` }, data: { k: '1' } });
      }
      now(replay, '1996');
      for (const k of ['0', '1', '2']) replay.cluster.must('PATCH', `${maps}/p0`, { data: { k } }, MERGE);
    },
    'list-continue-after-compaction': ({ known }) => {
      const token = (rv: string): string =>
        Buffer.from(`{"v":"meta.k8s.io/v1","rv":${rv},"start":"/kube-root-ca.crt\\u0000"}`).toString('base64url');
      known.agree('continue', token('1996'), token(known.get('list', '1996') ?? ''));
    },
    'timeoutSeconds-2': (replay) => now(replay, '1856'),
    'timeoutSeconds-2-bookmarks': (replay) => now(replay, '1891'),
    'bookmarks-idle': (replay) => now(replay, '2006'),
    'timeout-param-ignored': (replay) => now(replay, '1946'),
  },
};

/** Four pods under a budget of two: 0 and 3 never become Ready. */
function policyPods(replay: Replay, app: string, policy: string): void {
  const { cluster } = replay;
  for (const i of [0, 1, 2, 3]) {
    const unready = i === 0 || i === 3 ? UNREADY : {};
    pod(replay, 't6', `${app}${i}`, { labels: { app }, spec: { terminationGracePeriodSeconds: 5 }, ...unready });
  }
  cluster.must('POST', '/apis/policy/v1/namespaces/t6/poddisruptionbudgets', {
    metadata: { name: app },
    spec: { minAvailable: 2, selector: { matchLabels: { app } }, unhealthyPodEvictionPolicy: policy },
  });
  cluster.run(2_500);
}

/** All four streams were open together; somebody wrote in between. */
const bookmarks: Script = {
  prepare: (replay) => {
    replay.cluster.namespace('t5');
    now(replay, '3202');
  },
  before: Object.fromEntries(
    [
      'bookmarks-idle-configmaps',
      'bookmarks-busy-pods-field-selector',
      'bookmarks-leases-busy-selector',
      'bookmarks-timeout-90',
    ].map((name) => [name, (replay: Replay) => now(replay, '3202')]),
  ),
};

const evictions: Script = {
  pauseMs: 2,
  prepare: (replay) => {
    const { cluster } = replay;
    cluster.namespace('t6');
    const grace = { terminationGracePeriodSeconds: 5 };
    for (const name of ['free', 'free2', 'free3']) pod(replay, 't6', name, { labels: { app: 'free' }, spec: grace });
    pod(replay, 't6', 'pend', { labels: { app: 'prot' }, spec: { nodeSelector: { no: 'x' } } });
    pod(replay, 't6', 'fail', { labels: { app: 'prot' }, annotations: { 'rec/complete': 'Failed' } });
    cluster.run(2_500);
    now(replay, '1830', '1860');
    replay.open('watch-pod-free-during-eviction');
    replay.open('watch-pdb-transitions');
  },
  before: {
    'missing-pod-with-precondition-404': ({ cluster }) => cluster.run(2_500),
    'pdb-get-no-pods-ready': ({ cluster }) => cluster.run(100),
    'pdb-get-3-healthy': ({ cluster }) => {
      cluster.must('POST', '/apis/apps/v1/namespaces/t6/deployments', {
        metadata: { name: 'prot' },
        spec: {
          replicas: 3,
          selector: { matchLabels: { app: 'prot' } },
          template: {
            metadata: { labels: { app: 'prot' } },
            spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: 'example.com/app:1' }] },
          },
        },
      });
      cluster.run(3_000);
    },
    'pdb-after-eviction': ({ cluster }) => cluster.run(10),
    'pdb-recovered': ({ cluster }) => cluster.run(3_000),
    'pdb-right-after-spec-change': ({ cluster }) => cluster.run(100),
    'pdb-maxunavailable-status': ({ cluster }) => cluster.run(100),
    'pdb-percent': ({ cluster }) => {
      for (const name of ['pdb', 'pdb2'])
        cluster.must('DELETE', `/apis/policy/v1/namespaces/t6/poddisruptionbudgets/${name}`);
    },
    'pdb-percent-status': ({ cluster }) => cluster.run(100),
    'pdb-empty-selector': ({ cluster }) =>
      cluster.must('DELETE', '/apis/policy/v1/namespaces/t6/poddisruptionbudgets/pct'),
    'pdb-empty-selector-status': ({ cluster }) => cluster.run(100),
    'IfHealthyBudget-pdb': (replay) => {
      replay.cluster.must('DELETE', '/apis/policy/v1/namespaces/t6/poddisruptionbudgets/emp');
      policyPods(replay, 'ui', 'IfHealthyBudget');
    },
    'IfHealthyBudget-pdb-below': ({ cluster }) => {
      cluster.must('DELETE', '/api/v1/namespaces/t6/pods/ui2', { gracePeriodSeconds: 0 });
      cluster.run(3_000);
    },
    'AlwaysAllow-pdb': (replay) => policyPods(replay, 'ua', 'AlwaysAllow'),
    'AlwaysAllow-pdb-below': ({ cluster }) => {
      cluster.must('DELETE', '/api/v1/namespaces/t6/pods/ua2', { gracePeriodSeconds: 0 });
      cluster.run(3_000);
    },
    'no-policy-unready-below-budget-429': (replay) => {
      pod(replay, 't6', 'u0', { labels: { app: 'u' }, ...UNREADY });
      replay.cluster.must('POST', '/apis/policy/v1/namespaces/t6/poddisruptionbudgets', {
        metadata: { name: 'dflt' },
        spec: { minAvailable: 1, selector: { matchLabels: { app: 'u' } } },
      });
      replay.cluster.run(2_500);
    },
  },
};

/** The recorder's patches of one Deployment came so fast that its controller saw two of the templates only. */
const patches: Script = {
  prepare: ({ cluster }) => cluster.namespace('t3'),
  pauseMs: 1,
  before: {
    'sm-container-image': ({ cluster }) => cluster.run(300),
    'sm-restartedAt': ({ cluster }) => cluster.run(300),
    'node-conditions-merge-by-type': ({ cluster }) => {
      cluster.must('POST', '/api/v1/nodes', {
        metadata: { name: 'm-3' },
        status: {
          conditions: [
            {
              type: 'MemoryPressure',
              status: 'False',
              reason: 'A',
              message: 'm',
              lastHeartbeatTime: '2026-01-01T00:00:00Z',
              lastTransitionTime: '2026-01-01T00:00:00Z',
            },
            {
              type: 'Ready',
              status: 'False',
              reason: 'A',
              message: 'm',
              lastHeartbeatTime: '2026-01-01T00:00:00Z',
              lastTransitionTime: '2026-01-01T00:00:00Z',
            },
          ],
          addresses: [
            { type: 'InternalIP', address: '1.2.3.4' },
            { type: 'Hostname', address: 'm-3' },
          ],
        },
      });
      cluster.run(100);
    },
    'node-after-cordon': ({ cluster }) => cluster.run(6_000),
    'node-after-uncordon': ({ cluster }) => cluster.run(200),
    'scale-get': ({ cluster }) => cluster.run(300),
    'main-ignores-status': ({ cluster }) => cluster.run(300),
    'ssa-deploy-second-manager-env': ({ cluster }) => cluster.run(300),
  },
};

const workload = (name: string, replicas: number) => ({
  metadata: { name, labels: { app: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: 'example.com/app:1' }] },
    },
  },
});

const THINGS = {
  metadata: { name: 'things.rec.example.com' },
  spec: {
    group: 'rec.example.com',
    scope: 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

function owned(name: string): (replay: Replay) => void {
  return ({ cluster }) => {
    cluster.must('POST', '/apis/apps/v1/namespaces/t7/deployments', workload(name, 2));
    cluster.run(3_000);
  };
}

function dying(name: string, fill: (replay: Replay) => void): (replay: Replay) => void {
  return (replay) => {
    replay.cluster.namespace(name);
    fill(replay);
    replay.cluster.run(2_500);
  };
}

const map =
  (namespace: string, metadata: object) =>
  ({ cluster }: Replay) =>
    void cluster.must('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata });

/** The recorder kept one group of these documents. */
const oneGroup = (recorded: unknown, own: unknown): { recorded: unknown; own: unknown } => ({
  recorded,
  own: onlyServed(own, recorded),
});

const deletions: Script = {
  reduce: { 'apiservice-in-apis': oneGroup, 'apiservice-in-aggregated': oneGroup },
  prepare: (replay) => {
    replay.cluster.namespace('t7');
    const held = { annotations: { 'rec/noend': 'true' } };
    const pods: Record<string, Parameters<typeof pod>[3]> = {
      p1: {},
      p2: held,
      p3: held,
      p4: { spec: { nodeSelector: { no: 'x' } } },
      p5: { annotations: { 'rec/complete': 'Succeeded' }, spec: { restartPolicy: 'Never' } },
      p6: { spec: { terminationGracePeriodSeconds: 0 } },
      p7: held,
      p8: {},
      p9: held,
    };
    for (const [name, more] of Object.entries(pods)) pod(replay, 't7', name, more);
    replay.cluster.run(3_000);
  },
  before: {
    'delete-background': owned('background'),
    'delete-foreground': owned('foreground'),
    'delete-orphan': owned('orphan'),
    'delete-default': owned('default'),
    'namespace-delete': dying('t7a', (replay) => {
      pod(replay, 't7a', 'x');
      map('t7a', { name: 'x' })(replay);
    }),
    'namespace-delete-with-finalizer-content': dying('t7b', map('t7b', { name: 'x', finalizers: ['example.com/f'] })),
    'apiservice-get': ({ cluster }) => cluster.run(1_000),
    'namespace-delete-broken-apiservice': dying('t7c', () => undefined),
    'crd-delete-with-instances': ({ cluster }) => {
      cluster.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', THINGS);
      cluster.run(1_000);
      const things = '/apis/rec.example.com/v1/namespaces/t7/things';
      cluster.must('POST', things, { apiVersion: 'rec.example.com/v1', kind: 'Thing', metadata: { name: 'a' } });
      cluster.must('POST', things, {
        apiVersion: 'rec.example.com/v1',
        kind: 'Thing',
        metadata: { name: 'b', finalizers: ['example.com/stuck'] },
      });
    },
    'crd-gone-list': ({ cluster }) => cluster.run(3_000),
  },
};

const namespaces: Script = {
  prepare: dying('t7d', (replay) => {
    pod(replay, 't7d', 'slow', { annotations: { 'rec/noend': 'true' }, spec: { terminationGracePeriodSeconds: 8 } });
    map('t7d', { name: 'x', finalizers: ['example.com/stuck'] })(replay);
  }),
  before: {
    'eviction-precondition-uid-mismatch': (replay) => {
      replay.cluster.namespace('t7e');
      pod(replay, 't7e', 'a');
      replay.cluster.run(2_000);
    },
  },
};

const extras: Script = {
  prepare: (replay) => {
    const { cluster } = replay;
    cluster.namespace('t13');
    for (const i of [0, 1, 2, 3]) {
      cluster.must('POST', '/api/v1/namespaces/t13/configmaps', { metadata: { name: `c${i}` } });
    }
    for (const name of ['b0', 'b1']) pod(replay, 't13', name, { labels: { app: 'b' } });
    cluster.run(2_500);
    const { store } = cluster.world;
    for (let i = 0; i < 10_000; i++) {
      store.create('configmaps', { metadata: { name: 'x', namespace: 'default' } });
      store.remove('configmaps', { name: 'x', namespace: 'default' });
    }
  },
  sent: {
    'configmap-over-1MiB-422': () => ({ metadata: { name: 'big' }, data: { k: 'x'.repeat(1_200_000) } }),
  },
  before: { 'pdb-bare-status': ({ cluster }) => cluster.run(100) },
};

/** Taints and cordons as the notes of the recording say. */
function shape(replay: Replay, taints: Readonly<Record<string, object[] | null>>, cordoned: readonly string[]): void {
  for (const name of ['n-2', 'n-3', 'n-4']) {
    replay.cluster.must(
      'PATCH',
      `/api/v1/nodes/${name}`,
      {
        spec: { taints: taints[name] ?? null, unschedulable: cordoned.includes(name) ? true : null },
      },
      MERGE,
    );
  }
  replay.cluster.run(100);
}

const REC = { 'n-3': [{ key: 'rec', value: 'v', effect: 'NoSchedule' }] };

const scheduling: Script = {
  prepare: ({ cluster }) => cluster.namespace('t10'),
  before: {
    'taint-and-cordon': (replay) => shape(replay, REC, ['n-4']),
    'all-blocked': (replay) => shape(replay, REC, ['n-2', 'n-4']),
    'spread-sp-honor': (replay) => shape(replay, REC, []),
    'noexecute-taint': (replay) => shape(replay, {}, []),
  },
  inside: {
    'noexecute-taint': (replay) => {
      const tolerate = (more: object) => ({ tolerations: [{ key: 'rec', operator: 'Exists', ...more }] });
      const base = { terminationGracePeriodSeconds: 1, nodeSelector: { 'kubernetes.io/hostname': 'n-3' } };
      pod(replay, 't10', 'ne-none', { labels: { app: 'ne' }, spec: base });
      pod(replay, 't10', 'ne-5s', {
        labels: { app: 'ne' },
        spec: { ...base, ...tolerate({ effect: 'NoExecute', tolerationSeconds: 3 }) },
      });
      pod(replay, 't10', 'ne-ever', { labels: { app: 'ne' }, spec: { ...base, ...tolerate({}) } });
    },
  },
};

function lifecycle(replay: Replay): void {
  replay.cluster.namespace('t11');
}

const named =
  (name: string) =>
  (body: Record<string, unknown>): unknown => ({ ...body, metadata: { ...(body.metadata as object), name } });

const crud: Script = {
  prepare: () => undefined,
  before: {
    'pod-after-binding': ({ cluster }) => cluster.run(2_000),
    'node-get-2': ({ cluster }) => cluster.run(6_000),
  },
  sent: {
    'unknown-field-strict-400': named('uf'),
    'unknown-field-warn': named('uf'),
    'unknown-field-default': named('uf2'),
  },
};

export const SCRIPTS: Readonly<Record<string, Script>> = {
  '01-discovery': {
    prepare: () => undefined,
    reduce: Object.fromEntries(
      ['apis-plain', 'api-aggregated', 'apis-aggregated', 'api-v1', 'apis-apps-v1', 'trailing-slash'].map((name) => [
        name,
        (recorded: unknown, own: unknown) => ({ recorded: onlyServed(recorded, own), own }),
      ]),
    ),
  },
  '02-crud': crud,
  '03-patch': patches,
  '04-list': list,
  '05-watch': watch,
  '05b-watch-bookmarks': bookmarks,
  '06-eviction': evictions,
  '07-deletion': deletions,
  '07b-deletion-namespace-extra': namespaces,
  '08-rollouts': { prepare: ({ cluster }) => cluster.namespace('t8') },
  '09-crd': { prepare: ({ cluster }) => cluster.namespace('t9') },
  '10-scheduler': scheduling,
  '11-node-lifecycle': {
    prepare: lifecycle,
    inside: { 'node-created': ({ cluster }) => cluster.addNode('n-5') },
  },
  '13-extra': extras,
};
