/** HorizontalPodAutoscalers as `kubectl autoscale` makes them up to 1.32: in autoscaling/v1, which can be created with, no more. */
import { bodyOf } from './decode.ts';
import { cpuMetric } from './defaults.ts';
import { isMap } from './json.ts';
import type { ServerAnswer, ServerRequest } from './server.ts';

const PATH = /^\/apis\/autoscaling\/v1(\/namespaces\/[^/]+\/horizontalpodautoscalers)$/;

interface Made {
  readonly spec: { readonly metrics: readonly { resource: { target: { averageUtilization?: number } } }[] };
}

/** Creates the same in autoscaling/v2, and answers in v1; undefined for any other request. @throws StatusError 400 */
export function createdInV1(
  request: ServerRequest,
  handle: (request: ServerRequest) => ServerAnswer,
): ServerAnswer | undefined {
  const [, rest] = PATH.exec(request.path) ?? [];
  if (request.method !== 'POST' || rest === undefined) return undefined;
  const asked = bodyOf(request, 'HorizontalPodAutoscaler');
  const { targetCPUUtilizationPercentage: percent, ...common } = isMap(asked.spec) ? asked.spec : {};
  const spec = { ...common, ...(typeof percent === 'number' && { metrics: [cpuMetric(percent)] }) };
  const answer = handle({
    ...request,
    path: `/apis/autoscaling/v2${rest}`,
    headers: { ...request.headers, 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ ...asked, apiVersion: 'autoscaling/v2', spec }),
  });
  if (answer.status !== 201) return answer;
  const made = JSON.parse(answer.body) as Made;
  const { metrics, ...kept } = made.spec;
  const targetCPUUtilizationPercentage = metrics[0]?.resource.target.averageUtilization;
  const inV1 = { ...made, apiVersion: 'autoscaling/v1', spec: { ...kept, targetCPUUtilizationPercentage } };
  return { ...answer, body: JSON.stringify({ ...inV1, status: { currentReplicas: 0, desiredReplicas: 0 } }) };
}
