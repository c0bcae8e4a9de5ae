/** Reviews and old autoscalers: what is answered without being stored as it came (recorded, Kubernetes 1.34.4). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomStream } from '../../../src/time/random.ts';
import { VirtualClock } from '../../../src/time/virtual-clock.ts';
import { type HttpServer, serveHttp } from '../../../src/twin/api/http-server.ts';
import { createApiServer } from '../../../src/twin/api/server.ts';
import { createObjectStore } from '../../../src/twin/api/store.ts';

let http: HttpServer;
beforeAll(async () => {
  const clock = new VirtualClock({ epoch: Date.UTC(2026, 0, 1) });
  const store = createObjectStore({ time: clock, random: randomStream(1, 'store') });
  store.create('namespaces', { metadata: { name: 'n' } });
  http = await serveHttp({ clock, server: createApiServer({ store, kubernetesVersion: '1.36.2' }) });
});
afterAll(() => http.close());

async function sent(method: string, path: string, body?: object): Promise<{ code: number; body: unknown }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${http.url}${path}`, { method, headers, body: body && JSON.stringify(body) });
  return { code: response.status, body: await response.json() };
}

const ACCESS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const RULES = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
const SELF = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

describe('reviews', () => {
  const resourceAttributes = { verb: 'get', resource: 'pods' };
  const nonResourceAttributes = { verb: 'get', path: '/x' };

  test.each([
    [
      'of a resource',
      ACCESS,
      { spec: { resourceAttributes } },
      { spec: { resourceAttributes }, status: { allowed: true } },
    ],
    [
      'of a path',
      ACCESS,
      { spec: { nonResourceAttributes } },
      { spec: { nonResourceAttributes }, status: { allowed: true } },
    ],
    [
      'with a field that no review has',
      ACCESS,
      { spec: { resourceAttributes, x: 1 } },
      { spec: { resourceAttributes } },
    ],
    [
      'of all rules',
      RULES,
      { spec: { namespace: 'n' } },
      { kind: 'SelfSubjectRulesReview', spec: {}, status: { incomplete: false } },
    ],
    [
      'of oneself',
      SELF,
      {},
      {
        metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
        status: {
          userInfo: { username: 'kubernetes-admin', groups: ['kubeadm:cluster-admins', 'system:authenticated'] },
        },
      },
    ],
  ])('%s', async (_, path, body, answer) => {
    expect(await sent('POST', path, body)).toMatchObject({ code: 201, body: answer });
  });

  test.each([
    ['GET', ACCESS, undefined, 405, 'the server does not allow this method on the requested resource'],
    [
      'POST',
      ACCESS,
      {},
      422,
      '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'POST',
      ACCESS,
      { kind: 'Secret', apiVersion: 'v1' },
      400,
      'Secret in version "v1" cannot be handled as a SelfSubjectAccessReview: converting (v1.Secret) to (authorization.SelfSubjectAccessReview): unknown conversion',
    ],
    [
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      {},
      501,
      'not modelled by the twin: the API group authorization.k8s.io',
    ],
  ])('refused: %s %s %j', async (method, path, body, code, message) => {
    expect(await sent(method, path, body)).toMatchObject({ code, body: { message } });
  });
});

describe('autoscaling/v1', () => {
  const path = '/apis/autoscaling/v1/namespaces/n/horizontalpodautoscalers';
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const scaler = (name: string, spec: object): object => ({
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: { scaleTargetRef, ...spec },
  });

  test.each([
    ['named', { maxReplicas: 5, targetCPUUtilizationPercentage: 60 }, 60],
    ['left', { maxReplicas: 5 }, 80],
  ])('%s: made in v1, kept in v2', async (name, spec, averageUtilization) => {
    expect(await sent('POST', path, scaler(name, spec))).toMatchObject({
      code: 201,
      body: {
        apiVersion: 'autoscaling/v1',
        metadata: { name, namespace: 'n' },
        spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: averageUtilization },
        status: { currentReplicas: 0, desiredReplicas: 0 },
      },
    });
    const { body } = await sent('GET', `${path.replace('/v1/', '/v2/')}/${name}`);
    expect(body).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: {
        maxReplicas: 5,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }],
      },
    });
    expect(body).not.toHaveProperty('spec.targetCPUUtilizationPercentage');
  });

  test('what cannot be made is refused as in v2, and nothing else is served', async () => {
    expect(await sent('POST', path, scaler('named', { maxReplicas: 5 }))).toMatchObject({
      code: 409,
      body: { message: 'horizontalpodautoscalers.autoscaling "named" already exists' },
    });
    expect(await sent('POST', path.replace('/n/', '/nowhere/'), scaler('a', { maxReplicas: 5 }))).toMatchObject({
      code: 404,
    });
    expect(await sent('GET', path)).toMatchObject({
      code: 501,
      body: { message: 'not modelled by the twin: horizontalpodautoscalers.autoscaling v1' },
    });
  });
});
