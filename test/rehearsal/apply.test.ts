/** Applying what the API does not know yet: definitions are served a moment after they are established. */
import { describe, expect, test } from 'vitest';
import { type KubeApi, KubeError } from '../../src/kube/api.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { applyAll } from '../../src/rehearsal/apply.ts';
import type { Journal } from '../../src/rehearsal/journal.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';
import { rehearseBroken } from './breaks/broken-rehearsal.ts';

const definition: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'walls.example.com' },
  spec: {
    group: 'example.com',
    names: { plural: 'walls', kind: 'Wall' },
    scope: 'Cluster',
    versions: [{ name: 'v1', served: true, storage: true }],
  },
};
const wall: KubeObject = { apiVersion: 'example.com/v1', kind: 'Wall', metadata: { name: 'north' } };
/** An API server's answer on a path that it does not know (recorded: text, no Status). */
const page = new KubeError(404, '', '404 page not found', 'PATCH /apis/example.com/v1/walls/north');

/** Applies on an API that serves walls from this moment on, and has the kinds that discovery names. */
async function applying(objects: readonly KubeObject[], servedAt: number, discovered: readonly object[] = []) {
  const clock = new VirtualClock({ epoch: 0 });
  const applied: string[] = [];
  const api = {
    apply: (resource, object) => {
      if (resource.group === 'example.com' && clock.now() < servedAt) return Promise.reject(page);
      applied.push(`${resource.plural} ${object.metadata.namespace ?? '-'}/${object.metadata.name}`);
      return Promise.resolve(object as never);
    },
    raw: (path) => {
      const known = path === '/apis/batch/v1' && discovered.length > 0;
      return Promise.resolve(
        known ? { status: 200, body: JSON.stringify({ resources: discovered }) } : { status: 404, body: '' },
      );
    },
  } as Partial<KubeApi> as KubeApi;
  const journal = { changed: () => undefined } as unknown as Journal;
  await clock.run(() => applyAll({ api, journal, clock, signal: new AbortController().signal }, objects));
  return applied;
}

describe('an object of a definition that comes with it', () => {
  test('is applied once its kind is served', async () => {
    expect(await applying([definition, wall], 4_000)).toEqual([
      'customresourcedefinitions -/walls.example.com',
      'walls -/north',
    ]);
  });

  test('is given up when it never is', async () => {
    await expect(applying([definition, wall], Number.POSITIVE_INFINITY)).rejects.toBe(page);
  });
});

describe('a kind that is in no table of ours', () => {
  const job: KubeObject = { apiVersion: 'batch/v1', kind: 'Backup', metadata: { name: 'nightly' } };
  const eviction = { name: 'backups/run', kind: 'Backup', namespaced: true };

  test('is put where the cluster says', async () => {
    const served = [eviction, { name: 'backups', kind: 'Backup', namespaced: true }];
    expect(await applying([job], 0, served)).toEqual(['backups default/nightly']);
  });

  test('is an error that says what to do where the cluster has none', async () => {
    await expect(applying([job], 0, [eviction])).rejects.toThrow(
      'this cluster does not serve Backup of batch/v1; apply its CustomResourceDefinition first',
    );
  });
});

describe('a scenario whose workloads', () => {
  const yaml = (...objects: KubeObject[]) => objects.map((object) => JSON.stringify(object)).join('\n---\n');
  const run = (workloads: { file: string; manifest: string }[]) =>
    rehearseBroken({ workloads }, undefined, { until: 'baseline' });

  test('use a definition of another file is carried out', async () => {
    const full = {
      ...definition,
      spec: {
        ...(definition.spec as object),
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    const { verdict } = await run([
      { file: 'crd.yaml', manifest: yaml(full) },
      { file: 'walls.yaml', manifest: yaml(wall) },
    ]);
    expect(verdict).toMatchObject({ verdict: 'passed', reason: 'stopped-as-asked' });
  });

  test("use a kind of Kubernetes that the twin lacks is not the user's fault", async () => {
    const flows: KubeObject = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'shop' },
    };
    const { verdict } = await run([{ file: 'shop.yaml', manifest: yaml(flows) }]);
    expect(verdict).toMatchObject({ verdict: 'not-modelled', reason: 'not-modelled' });
    expect(verdict.message).toBe('shop.yaml: not modelled by the twin: the API group flowcontrol.apiserver.k8s.io');
  });

  test('use a kind that nobody defines is told so', async () => {
    const { verdict } = await run([{ file: 'walls.yaml', manifest: yaml(wall) }]);
    expect(verdict).toMatchObject({ verdict: 'refused', reason: 'scenario-invalid' });
    expect(verdict.message).toContain('walls.yaml: this cluster does not serve Wall of example.com/v1');
  });
});
