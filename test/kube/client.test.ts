import { describe, expect, test } from 'vitest';
import { ApiUnreachable, KubeError } from '../../src/kube/api.ts';
import { createKubeApi } from '../../src/kube/client.ts';
import { ciliumNodes, configMaps, pods } from '../../src/kube/resources.ts';
import type { ApiRequest, ApiResponse, Transport } from '../../src/kube/transport.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';

const status = (code: number, reason: string, message: string): ApiResponse => ({
  status: code,
  headers: {},
  body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }),
});

/** A port over a transport that gives one answer, and what it was asked. */
function port(answer: () => Promise<ApiResponse>, lines: readonly string[] = []) {
  const clock = new VirtualClock({ epoch: 0 });
  const asked: ApiRequest[] = [];
  const transport: Transport = {
    request: (request) => {
      asked.push(request);
      return answer();
    },
    stream: (request, onOpen, onLine) => {
      asked.push(request);
      onOpen();
      for (const line of lines) onLine(line);
      return Promise.resolve(undefined);
    },
    close: () => Promise.resolve(),
  };
  return { api: createKubeApi({ clock, transport }), asked, clock };
}

const ok = (body: unknown) => () => Promise.resolve({ status: 200, headers: {}, body: JSON.stringify(body) });
const POD = { name: 'p', namespace: 'a' };

describe('requests', () => {
  const object = { metadata: { name: 'c', namespace: 'a' }, data: { k: 'v' } };
  type Api = ReturnType<typeof port>['api'];
  const cases: [title: string, call: (api: Api) => Promise<unknown>, line: string, contentType?: string][] = [
    ['get', (api) => api.get(pods, POD), 'GET /api/v1/namespaces/a/pods/p'],
    ['get of a group', (api) => api.get(ciliumNodes, { name: 'n' }), 'GET /apis/cilium.io/v2/ciliumnodes/n'],
    [
      'list of all namespaces',
      (api) => api.list(pods, { fieldSelector: 'spec.nodeName=n' }),
      'GET /api/v1/pods?fieldSelector=spec.nodeName=n',
    ],
    [
      'create',
      (api) => api.create(configMaps, object),
      'POST /api/v1/namespaces/a/configmaps?fieldManager=cni-rehearsal',
      'application/json',
    ],
    [
      'apply',
      (api) => api.apply(configMaps, object),
      'PATCH /api/v1/namespaces/a/configmaps/c?fieldManager=cni-rehearsal&force=true',
      'application/apply-patch+yaml',
    ],
    [
      'merge patch',
      (api) => api.patch(pods, POD, 'merge', {}),
      'PATCH /api/v1/namespaces/a/pods/p?fieldManager=cni-rehearsal',
      'application/merge-patch+json',
    ],
    [
      'json patch of a subresource',
      (api) => api.patch(pods, POD, 'json', [], { subresource: 'status' }),
      'PATCH /api/v1/namespaces/a/pods/p/status?fieldManager=cni-rehearsal',
      'application/json-patch+json',
    ],
    [
      'strategic patch',
      (api) => api.patch(pods, POD, 'strategic', {}),
      'PATCH /api/v1/namespaces/a/pods/p?fieldManager=cni-rehearsal',
      'application/strategic-merge-patch+json',
    ],
    [
      'eviction',
      (api) => api.evict({ ...POD, uid: 'u' }),
      'POST /api/v1/namespaces/a/pods/p/eviction',
      'application/json',
    ],
    [
      'deletion',
      (api) => api.delete(pods, POD, { uid: 'u' }),
      'DELETE /api/v1/namespaces/a/pods/p',
      'application/json',
    ],
    [
      'pod proxy',
      (api) => api.proxyPod({ ...POD, port: 8080 }, '/check?a=b'),
      'GET /api/v1/namespaces/a/pods/p:8080/proxy/check?a=b',
    ],
    ['raw', (api) => api.raw('/readyz?verbose'), 'GET /readyz?verbose='],
  ];
  test.each(cases)('%s', async (_title, call, line, contentType) => {
    const { api, asked } = port(ok({ items: [], metadata: { resourceVersion: '1' } }));
    await call(api);
    const [{ method, path, query, headers, body } = {} as ApiRequest] = asked;
    const search = [...query].map(([name, value]) => `${name}=${value}`).join('&');
    expect(`${method} ${path}${search === '' ? '' : `?${search}`}`).toBe(line);
    expect(headers['content-type']).toBe(contentType);
    if (contentType !== undefined) expect(body).toBeDefined();
  });

  test('carry the type of a manifest, and the uid as precondition', async () => {
    const { api, asked } = port(ok({}));
    await api.apply(configMaps, object);
    await api.evict({ ...POD, uid: 'u' });
    expect(JSON.parse(asked[0]!.body!)).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(JSON.parse(asked[1]!.body!)).toMatchObject({ deleteOptions: { preconditions: { uid: 'u' } } });
  });
});

describe('answers', () => {
  test('a Status rejects as KubeError', async () => {
    const { api } = port(() => Promise.resolve(status(404, 'NotFound', 'pods "p" not found')));
    const error = await api.get(pods, POD).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({ code: 404, reason: 'NotFound', message: 'pods "p" not found' });
  });

  test('plain text rejects with its status', async () => {
    const { api } = port(() => Promise.resolve({ status: 503, headers: {}, body: 'service unavailable\n' }));
    await expect(api.get(pods, POD)).rejects.toMatchObject({ code: 503, message: 'service unavailable' });
  });

  test.each([
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'the connection was refused or lost'],
    [
      new Error('x', { cause: Object.assign(new Error('y'), { code: 'UND_ERR_SOCKET' }) }),
      'the connection was refused or lost',
    ],
    [new Error('certificate has expired'), 'certificate has expired'],
  ])('no answer (%s) rejects as ApiUnreachable', async (cause, message) => {
    const { api } = port(() => Promise.reject(cause));
    const error = await api.get(pods, POD).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiUnreachable);
    expect(error).toMatchObject({ message, request: 'GET /api/v1/namespaces/a/pods/p' });
  });

  test('half an answer is none', async () => {
    const { api } = port(() => Promise.resolve({ status: 200, headers: {}, body: '{"kind":' }));
    await expect(api.get(pods, POD)).rejects.toBeInstanceOf(ApiUnreachable);
  });

  test("an abort is the caller's", async () => {
    const stop = new AbortController();
    const { api } = port(() => Promise.reject(new Error('aborted')));
    stop.abort(new Error('enough'));
    await expect(api.get(pods, POD, { signal: stop.signal })).rejects.toThrow('enough');
  });

  test("the pod's own error through the proxy resolves, the API server's rejects", async () => {
    const ask = (response: ApiResponse) =>
      port(() => Promise.resolve(response)).api.proxyPod({ ...POD, port: 80 }, '/');
    expect(await ask({ status: 418, headers: {}, body: '{"OK":false}' })).toEqual({
      status: 418,
      body: '{"OK":false}',
    });
    expect(await ask({ status: 503, headers: {}, body: 'not ready' })).toEqual({ status: 503, body: 'not ready' });
    await expect(ask(status(503, 'ServiceUnavailable', 'error trying to reach service'))).rejects.toMatchObject({
      code: 503,
    });
  });
});

describe('watch', () => {
  const line = (type: string, object: object) => JSON.stringify({ type, object });
  const event = line('ADDED', { metadata: { name: 'p' } });

  test('hands on events and bookmarks, line by line', async () => {
    const bookmark = line('BOOKMARK', { metadata: { resourceVersion: '7' } });
    const { api, asked } = port(ok({}), [event, bookmark]);
    const seen: unknown[] = [];
    await api.watch(pods, { resourceVersion: '5' }, (one) => void seen.push(one));
    expect(seen).toEqual([
      { type: 'ADDED', object: { metadata: { name: 'p' } } },
      { type: 'BOOKMARK', resourceVersion: '7' },
    ]);
    expect(asked[0]?.query.get('resourceVersion')).toBe('5');
    expect(asked[0]?.query.get('allowWatchBookmarks')).toBe('true');
  });

  test('ends with an ERROR line as KubeError, with the handler error as that', async () => {
    const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    const first = port(ok({}), [line('ERROR', expired)]);
    await expect(first.api.watch(pods, { resourceVersion: '5' }, () => undefined)).rejects.toMatchObject({ code: 410 });
    const second = port(ok({}), [event, event]);
    let handled = 0;
    const broken = () => {
      handled++;
      throw new Error('the handler failed');
    };
    await expect(second.api.watch(pods, { resourceVersion: '5' }, broken)).rejects.toThrow('the handler failed');
    expect(handled).toBe(1);
  });
});
