/** Questions that are answered and not stored. The twin has no authorization: whoever gets in may do everything. */
import { bodyOf, contentType } from './decode.ts';
import { isMap, type JsonMap } from './json.ts';
import type { ServerRequest } from './server.ts';
import { methodNotAllowed } from './status.ts';

const PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** The answer to a review; undefined for any other path. @throws StatusError 405 for anything but POST */
export function review(request: ServerRequest): object | undefined {
  if (request.path !== PATH) return undefined;
  if (request.method !== 'POST') throw methodNotAllowed();
  // kubectl asks in protobuf, which is not read here: the answer is the same whatever is asked.
  const protobuf = contentType(request) === 'application/vnd.kubernetes.protobuf';
  const body: JsonMap = protobuf ? {} : bodyOf(request, 'SelfSubjectAccessReview');
  const metadata: JsonMap = isMap(body.metadata) ? body.metadata : {};
  return {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata,
    spec: isMap(body.spec) ? body.spec : {},
    status: { allowed: true },
  };
}
