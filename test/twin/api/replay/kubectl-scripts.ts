/** What the recorder had prepared for, and done between, the commands of kubectl. */
import type { RecordedCluster } from './cluster.ts';
import type { KubectlScript } from './kubectl.ts';

const pod = (cluster: RecordedCluster, namespace: string, name: string, more: object = {}): void =>
  void cluster.must('POST', `/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'a:1' }], ...more },
  });

const map = (cluster: RecordedCluster, namespace: string, name: string): void =>
  void cluster.must('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name } });

function session(namespace: string): KubectlScript {
  const budget = (cluster: RecordedCluster, minAvailable: number): void => {
    const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    if (cluster.call('GET', `${path}/pdb`).status === 200) cluster.must('DELETE', `${path}/pdb`);
    cluster.must('POST', path, {
      metadata: { name: 'pdb' },
      spec: { minAvailable, selector: { matchLabels: { app: 'gp' } } },
    });
    cluster.run(500);
  };
  return {
    prepare: (cluster) => cluster.namespace(namespace),
    before: {
      drain: (cluster) => budget(cluster, 2),
      'drain-refused-bare': (cluster) => {
        pod(cluster, namespace, 'bare', {
          nodeSelector: { 'kubernetes.io/hostname': 'n-2' },
          volumes: [{ name: 'e', emptyDir: {} }],
        });
        cluster.run(2_000);
      },
      'drain-blocked-by-pdb-timeout': (cluster) => budget(cluster, 3),
      'wait-create': (cluster) => void cluster.world.time.after(900, () => map(cluster, namespace, 'later')),
    },
  };
}

const broken = (cluster: RecordedCluster): void => {
  cluster.must('POST', '/apis/apiregistration.k8s.io/v1/apiservices', {
    metadata: { name: 'v3.projectcalico.org' },
    spec: {
      group: 'projectcalico.org',
      version: 'v3',
      groupPriorityMinimum: 1500,
      versionPriority: 200,
      service: { name: 'calico-api', namespace: 'calico-apiserver' },
      insecureSkipTLSVerify: true,
    },
  });
  cluster.run(1_000);
};

export const KUBECTL_SCRIPTS: Readonly<Record<string, KubectlScript>> = {
  '12-kubectl-1.32': session('t12x'),
  '12b-kubectl-1.36': session('t12y'),
  '12c-kubectl-1.32-extra': {
    prepare: (cluster) => cluster.namespace('t12z'),
    before: {
      'broken-apiservice-get-pods': broken,
      'broken-apiservice-delete-ns': (cluster) => cluster.namespace('t12zz'),
    },
  },
  '12d-kubectl-1.32-bare': {
    prepare: (cluster) => {
      cluster.namespace('t14');
      pod(cluster, 't14', 'lone', { nodeSelector: { 'kubernetes.io/hostname': 'n-4' } });
      cluster.run(2_000);
    },
  },
};
