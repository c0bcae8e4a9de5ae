/** Questions that are answered and not stored. The twin has no authorization: whoever gets in may do everything. */
import type { KubeObject } from '../../kube/objects.ts';
import { decodeObject } from './decode.ts';
import { stamp } from './object-rules.ts';
import type { ResourceInfo } from './registry.ts';
import type { ServerRequest } from './server.ts';
import { invalid, invalidObject, methodNotAllowed } from './status.ts';

/** Who everybody is, as kubeadm names its administrator. */
const USER = { username: 'kubernetes-admin', groups: ['kubeadm:cluster-admins', 'system:authenticated'] };

const get = (paths: string) => ({ verbs: ['get'], nonResourceURLs: paths.split(' ') });
const post = (apiGroup: string, resources: string[]) => ({ verbs: ['create'], apiGroups: [apiGroup], resources });

/** What cluster-admin, system:basic-user, system:public-info-viewer and system:discovery allow (recorded, Kubernetes 1.34.4). */
const RULES = {
  resourceRules: [
    post('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews']),
    post('authentication.k8s.io', ['selfsubjectreviews']),
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  ],
  nonResourceRules: [
    get('/healthz /livez /readyz /version /version/'),
    get('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ],
  incomplete: false,
};

/** By path: the kind of question, and the answer. */
const REVIEWS: Readonly<Record<string, readonly [kind: string, answer: (asked: KubeObject, now: number) => object]>> = {
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews': [
    'SelfSubjectAccessReview',
    ({ metadata, spec = {} }) => {
      const { resourceAttributes: one, nonResourceAttributes: other } = spec as Record<string, unknown>;
      if ((one === undefined) === (other === undefined)) {
        const named = { plural: '', group: 'authorization.k8s.io', kind: '' };
        const problem =
          one === undefined
            ? invalid(
                'spec.resourceAttributes',
                null,
                'exactly one of nonResourceAttributes or resourceAttributes must be specified',
              )
            : invalid(
                'spec.nonResourceAttributes',
                other,
                'cannot be specified in combination with resourceAttributes',
              );
        throw invalidObject(named, '', [problem]);
      }
      return { metadata, spec, status: { allowed: true } };
    },
  ],
  '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews': [
    'SelfSubjectRulesReview',
    ({ metadata }) => ({ metadata, spec: {}, status: RULES }),
  ],
  '/apis/authentication.k8s.io/v1/selfsubjectreviews': [
    'SelfSubjectReview',
    ({ metadata }, now) => ({
      metadata: { ...metadata, creationTimestamp: stamp(now) },
      status: { userInfo: USER },
    }),
  ],
};

/** The answer to a review; undefined for any other path. @throws StatusError 400, 422, and 405 for anything but POST */
export function review(request: ServerRequest, now: () => number): object | undefined {
  const found = Object.hasOwn(REVIEWS, request.path) ? REVIEWS[request.path] : undefined;
  if (found === undefined) return undefined;
  if (request.method !== 'POST') throw methodNotAllowed();
  const [kind, answer] = found;
  const [, , group = '', version = ''] = request.path.split('/');
  const info = { name: `${kind.toLowerCase()}s.${group}`, group, kind, plural: '', namespaced: false } as ResourceInfo;
  const route = { info, version, namespace: undefined, name: undefined, subresource: undefined, rest: '' };
  const { object } = decodeObject(request, route, 'CreateOptions');
  return { kind, apiVersion: `${group}/${version}`, ...answer(object, now()) };
}
