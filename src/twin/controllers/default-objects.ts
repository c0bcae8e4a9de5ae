/** What every namespace gets: the ServiceAccount `default` and the ConfigMap kube-root-ca.crt. */
import type { ConfigMap, KubeObject, Namespace } from '../../kube/objects.ts';
import type { ControlPlane } from './control-plane.ts';
import { workQueue } from './work-queue.ts';

const ROOT_CA = 'kube-root-ca.crt';
/** Stands for the cluster's certificate authority; the twin speaks no TLS. */
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\ntwin\n-----END CERTIFICATE-----\n';

export function startDefaultObjects(plane: ControlPlane): void {
  const { store } = plane.world;
  const reconcile = (name: string): void => {
    const namespace = store.get<Namespace>('namespaces', name);
    if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return;
    if (store.get('serviceaccounts', 'default', name) === undefined) {
      store.create<KubeObject>('serviceaccounts', {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: name },
      });
    }
    if (store.get('configmaps', ROOT_CA, name) === undefined) {
      store.create<ConfigMap>('configmaps', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: ROOT_CA,
          namespace: name,
          annotations: {
            'kubernetes.io/description':
              'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
          },
        },
        data: { 'ca.crt': CERTIFICATE },
      });
    }
  };
  const queue = workQueue(plane, reconcile, { latencyMs: 1 });
  plane.onElected(() => {
    for (const namespace of store.list<Namespace>('namespaces')) queue.add(namespace.metadata.name);
  });
  store.onChange<Namespace>('namespaces', (event) => {
    if (event.type === 'ADDED') queue.add(event.object.metadata.name);
  });
  // Both are put back when somebody deletes them.
  for (const [resource, wanted] of [
    ['serviceaccounts', 'default'],
    ['configmaps', ROOT_CA],
  ] as const) {
    store.onChange(resource, ({ type, object }) => {
      if (type === 'DELETED' && object.metadata.name === wanted) queue.add(object.metadata.namespace ?? '');
    });
  }
}
