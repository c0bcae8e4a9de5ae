/** The embedded API server answers as a real one did. */
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { type Bench, bench, type Entry, entries, normalise, requestOf, Translation } from './recorded.ts';

const STRICT = 'fields that no schema knows are not looked for';
const TYPES = 'types of fields are not checked: no schemas of built-in kinds';
const GO = 'ends in the words of Go (rule 10 of the recording)';
const KUBELET = 'pods/log, exec and services/proxy are not modelled: 501 by name';
const CONTROLLER = 'shows what a controller or the fake kubelet wrote in between';
const POD_SPEC = 'the immutability of pod specs is not checked';
const PAGES = 'limit and continue are ignored: everything comes at once';

/** Not sent: a real server refuses or changes something that this one lets pass, and later entries build on that. */
const NOT_SENT: Readonly<Record<string, string>> = {
  'wrong-type-400': TYPES,
  'unknown-field-strict-400': STRICT,
  'unknown-nested-strict': STRICT,
  'duplicate-field-strict': STRICT,
  'duplicate-map-key-strict': STRICT,
  'field-validation-bad': STRICT,
  'pod-missing-serviceaccount-403': 'service accounts of pods are not looked up',
  'pod-put-immutable-422': POD_SPEC,
  'pod-put-nodename-422': POD_SPEC,
  'merge-patch-wrong-type': TYPES,
  'merge-patch-unknown-field-strict': STRICT,
  'sm-env-valuefrom-over-value-422': TYPES,
  'sm-volume-change-type': TYPES,
  'node-podcidr-change-422': 'Node addresses are not validated',
  'ssa-unknown-field-strict': STRICT,
  'ssa-unknown-field-warn': STRICT,
  'ssa-yaml-name-y-is-boolean-500': TYPES,
};

/** Sent without the unknown field that a real server drops with a warning. */
const SENT_INSTEAD: Readonly<Record<string, string>> = {
  'merge-patch-unknown-field-warn': JSON.stringify({ data: { u: '1' } }),
};

/** Sent, but only the status code is compared (where it is the same) or nothing. */
const NOT_COMPARED: Readonly<Record<string, string>> = {
  'ns-kube-root-ca-configmap': CONTROLLER,
  'cm-get': "the recorder's copy was changed by a later step",
  'cm-create-wrong-kind-400': GO,
  'cm-create-wrong-apiversion-400': GO,
  'cm-put-wrong-uid-409': GO,
  'lease-put-absent-creates': 'empty specs are not filled in',
  'bad-json-400': GO,
  'empty-body-400': GO,
  'json-array-400': GO,
  'wrong-type-deploy-400': TYPES,
  'head-item': 'HEAD has no body on the wire',
  'unknown-field-warn': STRICT,
  'unknown-field-default': STRICT,
  'unknown-field-ignore': STRICT,
  'sts-create-minimal': 'no StatefulSet runs here',
  'job-create-minimal': 'no Job runs here',
  'pod-several-errors-422': 'only names and required fields are validated',
  'pod-get': CONTROLLER,
  'pod-put-image': CONTROLLER,
  'pod-after-binding': CONTROLLER,
  'pod-binding-again-409': CONTROLLER,
  'pod-log': KUBELET,
  'pod-log-missing': KUBELET,
  'pod-exec-get-plain': KUBELET,
  'svc-proxy-no-endpoints-503': KUBELET,
  'svc-proxy-missing-404': KUBELET,
  'deploy-get-zero': "the recorder's copy was changed by a later step",
  'node-get': CONTROLLER,
  'node-status-get': CONTROLLER,
  'node-status-put': CONTROLLER,
  'node-get-2': CONTROLLER,
  'pdb-both-422': GO,
  'event-create': 'Events are not filled in',
  'cm-deletecollection': 'deletion of collections is not modelled: 501 by name',
  'cm-deletecollection-2': 'deletion of collections is not modelled: 501 by name',
  'unauthorized-impersonation-403': 'there is no authorization',
  'unknown-query-parameter': PAGES,
  'bad-limit': PAGES,
  'bad-watch-value': 'a stream',
  'merge-patch-uid-422': 'the real one says it twice',
  'ssa-scale-subresource': 'apply of scale is not modelled: 501 by name',
};

/** Fields of Deployments and Nodes that controllers of the recording wrote. */
function withoutControllers(value: unknown): unknown {
  const object = value as KubeObject & { spec?: Record<string, unknown>; status?: Record<string, unknown> };
  if (object?.kind === 'Deployment') {
    const { 'deployment.kubernetes.io/revision': _, ...annotations } = object.metadata.annotations ?? {};
    // An annotation that a controller adds moves a Deployment's generation as well.
    const { status: _status, ...rest } = object;
    const metadata: Record<string, unknown> = { ...object.metadata, annotations };
    if (Object.keys(annotations).length === 0) delete metadata.annotations;
    return { ...rest, metadata };
  }
  if (object?.kind === 'Node') {
    const { podCIDR: _a, podCIDRs: _b, taints, ...spec } = object.spec ?? {};
    const own = ((taints ?? []) as { key: string }[]).filter(({ key }) => !key.startsWith('node.kubernetes.io/'));
    const { daemonEndpoints: _c, nodeInfo: _d, ...status } = object.status ?? {};
    const { annotations: _e, ...metadata } = object.metadata;
    return { ...object, metadata, spec: { ...spec, ...(own.length > 0 && { taints: own }) }, status };
  }
  return value;
}

/** Sends the entries one after the other to one server and returns both answers of each. */
function replay(file: string, prepare: (on: Bench) => void, after?: (entry: Entry, on: Bench) => void) {
  const on = bench();
  const translation = new Translation();
  prepare(on);
  return entries(file)
    .filter((entry) => NOT_SENT[entry.name] === undefined)
    .map((entry) => {
      const { method, path, headers } = entry.request;
      const body = SENT_INSTEAD[entry.name] ?? entry.request.body;
      const text =
        body === undefined || body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const own = on.call(method, path, text === undefined ? undefined : translation.apply(text), headers);
      translation.learn(entry.response.body, own.body);
      after?.(entry, on);
      return { name: entry.name, entry, own };
    });
}

function namespace(on: Bench, name: string): void {
  on.call('POST', '/api/v1/namespaces', { metadata: { name } });
  accounts(on, name);
}

function accounts(on: Bench, name: string): void {
  on.call('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  on.call('POST', `/api/v1/namespaces/${name}/configmaps`, { metadata: { name: 'kube-root-ca.crt' } });
}

const NODE = {
  metadata: { name: 'm-3' },
  status: {
    conditions: [
      { type: 'MemoryPressure', status: 'False', reason: 'A', message: 'm' },
      { type: 'Ready', status: 'False', reason: 'A', message: 'm' },
    ],
    addresses: [
      { type: 'InternalIP', address: '1.2.3.4' },
      { type: 'Hostname', address: 'm-3' },
    ],
  },
};

describe.each([
  {
    file: '02-crud',
    answers: replay(
      '02-crud',
      () => undefined,
      (entry, on) => entry.name === 'ns-create' && accounts(on, 't2'),
    ),
  },
  {
    file: '03-patch',
    answers: replay('03-patch', (on) => {
      namespace(on, 't3');
      on.call('POST', '/api/v1/nodes', NODE);
    }),
  },
])('$file', ({ answers }) => {
  test.each(answers.filter(({ name }) => NOT_COMPARED[name] === undefined))('$name', ({ entry, own }) => {
    expect(own.status).toBe(entry.response.status);
    expect(withoutControllers(normalise(own.body))).toEqual(withoutControllers(normalise(entry.response.body)));
  });
});

test('what is not compared exists in the recordings', () => {
  const names = new Set(['02-crud', '03-patch'].flatMap((file) => entries(file).map((entry) => entry.name)));
  expect([...Object.keys(NOT_COMPARED), ...Object.keys(NOT_SENT)].filter((name) => !names.has(name))).toEqual([]);
});

describe('04-list', () => {
  const on = bench();
  namespace(on, 't4');
  for (const i of [0, 1, 2, 3, 4]) {
    const labels = { set: 'x', i: String(i), tier: i < 3 ? 'a' : 'b' };
    on.call('POST', '/api/v1/namespaces/t4/configmaps', {
      metadata: { name: `c${i}`, labels },
      data: { k: String(i) },
    });
  }
  /** The grammar's own words in errors. */
  const GRAMMAR = ['label-trailing-comma', 'label-bad', 'label-bad2', 'label-bad-value', 'label-bad-key'];
  const comparable = entries('04-list').filter((entry) => !['list-future-rv', ...GRAMMAR].includes(entry.name));
  /** Most recorded lists were shortened to names. */
  const names = (body: unknown) =>
    (body as { items: (KubeObject | string)[] }).items.map((item) =>
      typeof item === 'string' ? item.replace(/^.*\//, '') : item.metadata.name,
    );

  test.each(comparable)('$name', ({ request, response }) => {
    const own = on.call(request.method, request.path);
    expect(own.status).toBe(response.status);
    if (response.status === 200) expect(names(own.body)).toEqual(names(response.body));
    else expect(own.body).toEqual(response.body);
  });
});

describe('05-watch', () => {
  /** The steps that the recording names in its notes. */
  function story(on: Bench): void {
    const maps = '/api/v1/namespaces/t5/configmaps';
    const merge = (name: string, patch: object) =>
      on.call('PATCH', `${maps}/${name}`, patch, { 'content-type': 'application/merge-patch+json' });
    on.call('POST', maps, { metadata: { name: 'a', labels: { x: '1' } }, data: { k: '1' } });
    on.call('POST', maps, { metadata: { name: 'b' }, data: { k: '1' } });
    merge('a', { data: { k: '2' } });
    merge('a', { data: { k: '2' } });
    merge('a', { metadata: { labels: { x: '2' } } });
    merge('b', { metadata: { labels: { x: '1' } } });
    merge('b', { metadata: { finalizers: ['example.com/f'] } });
    on.call('DELETE', `${maps}/b`);
    merge('b', { metadata: { finalizers: null } });
    on.call('DELETE', `${maps}/a`);
  }

  const streams = ['from-rv', 'no-rv', 'rv0', 'selector-label', 'selector-name', 'all-namespaces-configmaps-label'];
  test.each(entries('05-watch').filter((entry) => streams.includes(entry.name)))('$name', ({ request, response }) => {
    const on = bench();
    namespace(on, 't5');
    on.call('POST', '/api/v1/namespaces/t5/configmaps', { metadata: { name: 'old' }, data: { k: '1' } });
    const version = String(on.store.resourceVersion());
    const lines: unknown[] = [];
    const path = request.path.replace(/resourceVersion=\d{2,}/, `resourceVersion=${version}`);
    on.server.watch(requestOf('GET', path), {
      open: () => undefined,
      line: (text) => void lines.push(JSON.parse(text)),
      end: () => undefined,
    });
    story(on);
    const own = (line: unknown) => {
      const { data, ...rest } = (line as { object: KubeObject }).object;
      const bare = rest.metadata.name === 'kube-root-ca.crt' ? rest : { ...rest, data };
      const { annotations: _, ...metadata } = bare.metadata;
      return normalise({ ...(line as object), object: { ...bare, metadata } });
    };
    expect(lines.map(own)).toEqual((response.stream ?? []).map(({ line }) => own(line)));
  });

  test('old-rv-410: an ERROR in the stream, then its end', () => {
    const on = bench();
    namespace(on, 't5');
    for (let i = 0; i < 20_000; i++) {
      on.store.update<KubeObject>('configmaps', { name: 'kube-root-ca.crt', namespace: 't5' }, (draft) => {
        draft.data = { i: String(i) };
      });
    }
    const [entry] = entries('05-watch').filter(({ name }) => name === 'old-rv-410');
    const lines: string[] = [];
    let ended: string | undefined;
    on.server.watch(requestOf('GET', entry!.request.path), {
      open: () => undefined,
      line: (text) => void lines.push(text),
      end: (how) => {
        ended = how;
      },
    });
    const anyVersion = (line: unknown) => JSON.stringify(normalise(line)).replace(/\(\d+\)/, '(now)');
    expect(lines.map((line) => anyVersion(JSON.parse(line)))).toEqual(
      entry!.response.stream?.map(({ line }) => anyVersion(line)),
    );
    expect(ended).toBe('over');
  });
});
