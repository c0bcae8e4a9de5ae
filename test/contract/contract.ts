/** The contract: cases over what the rehearsal, kubectl and controllers rely on, each in a namespace of its own. */
import assert from 'node:assert/strict';
import type { Answer, JsonMap, Target, WatchEvent } from './target.ts';

/** What a case works with. */
export interface Contract {
  readonly target: Target;
  readonly namespace: string;
  /** Path of a namespaced resource: `path('configmaps/a')`, `path('apps/deployments')`. */
  path(rest: string): string;
  get(path: string): Promise<Answer>;
  /** Creates and gives back the object. */
  create(path: string, object: JsonMap): Promise<Answer['body']>;
  merge(path: string, patch: unknown): Promise<Answer>;
  apply(path: string, manager: string, object: JsonMap, more?: string): Promise<Answer>;
  /** Looks until the check passes; fails with its last complaint. */
  eventually(path: string, check: (body: Answer['body']) => void, ms?: number): Promise<Answer['body']>;
  watch(
    path: string,
    enough: (events: readonly WatchEvent[]) => boolean,
    act?: () => Promise<void>,
  ): Promise<WatchEvent[]>;
}

export interface Case {
  readonly name: string;
  /** Only where kubelets run: skipped by name elsewhere. */
  readonly needs?: 'kubelets';
  readonly run: (contract: Contract) => Promise<void>;
}

/** Asserts status and, of a failure, reason and message. */
export function refused(answer: Answer, status: number, reason: string | undefined, message?: RegExp | string): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body).slice(0, 300));
  assert.equal(answer.body.reason, reason);
  if (typeof message === 'string') assert.equal(answer.body.message, message);
  else if (message !== undefined) assert.match(answer.body.message, message);
}

const GROUPS: Readonly<Record<string, string>> = {
  apps: '/apis/apps/v1',
  policy: '/apis/policy/v1',
  coordination: '/apis/coordination.k8s.io/v1',
};

const LOOK_MS = 200;

/** Runs one case in a fresh namespace, which is deleted afterwards whatever happened. */
export async function runCase(target: Target, one: Case, namespace: string): Promise<void> {
  const must = async (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer> => {
    const answer = await target.call(method, path, body, headers);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 400)}`);
    return answer;
  };
  const contract: Contract = {
    target,
    namespace,
    path: (rest) => {
      const [first = '', ...more] = rest.split('/');
      const group = GROUPS[first];
      return group === undefined
        ? `/api/v1/namespaces/${namespace}/${rest}`
        : `${group}/namespaces/${namespace}/${more.join('/')}`;
    },
    get: (path) => target.call('GET', path),
    create: async (path, object) => (await must('POST', path, object)).body,
    merge: (path, patch) => target.call('PATCH', path, patch, { 'content-type': 'application/merge-patch+json' }),
    apply: (path, manager, object, more = '') =>
      target.call('PATCH', `${path}?fieldManager=${manager}${more}`, object, {
        'content-type': 'application/apply-patch+yaml',
      }),
    eventually: async (path, check, ms = 60_000) => {
      for (let waited = 0; ; waited += LOOK_MS) {
        const { body } = await target.call('GET', path);
        try {
          check(body);
          return body;
        } catch (error) {
          if (waited >= ms) throw error;
        }
        await target.pause(LOOK_MS);
      }
    },
    watch: (path, enough, act) => target.watch(path, enough, act),
  };
  await must('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  try {
    // Pods are not admitted before their namespace has its account.
    await contract.eventually(contract.path('serviceaccounts/default'), (body) =>
      assert.equal(body.kind, 'ServiceAccount'),
    );
    await one.run(contract);
  } finally {
    await target.call('DELETE', `/api/v1/namespaces/${namespace}`);
  }
}

export const template = (app: string, more: JsonMap = {}): JsonMap => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }],
    ...more,
  },
});

export const deployment = (name: string, replicas: number, more: JsonMap = {}): JsonMap => ({
  metadata: { name },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name), ...more },
});
