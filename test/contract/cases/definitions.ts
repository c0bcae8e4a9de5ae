/** CustomResourceDefinitions: several served versions, structural schemas, status, apply. */
import assert from 'node:assert/strict';
import { type Case, type Contract, refused } from '../contract.ts';

/** A group of the case's own, so that two runs do not meet. */
const groupOf = (t: Contract): string => `${t.namespace}.contract.example.com`;

const schema = {
  openAPIV3Schema: {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        required: ['size'],
        properties: {
          size: { type: 'integer', minimum: 1 },
          mode: { type: 'string', default: 'never', enum: ['never', 'always'] },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
      status: { type: 'object', properties: { phase: { type: 'string' } } },
    },
  },
};

const version = (name: string, storage: boolean) => ({
  name,
  served: true,
  storage,
  subresources: { status: {} },
  schema,
});

async function define(
  t: Contract,
  run: (path: string, type: { apiVersion: string; kind: string }) => Promise<void>,
): Promise<void> {
  const group = groupOf(t);
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const names = { plural: 'gadgets', singular: 'gadget', kind: 'Gadget' };
  await t.create(definitions, {
    metadata: { name: `gadgets.${group}` },
    spec: { group, scope: 'Namespaced', names, versions: [version('v1', true), version('v1beta1', false)] },
  });
  try {
    await t.eventually(`${definitions}/gadgets.${group}`, (body) => {
      assert.equal(body.status.conditions?.find((one: { type: string }) => one.type === 'Established')?.status, 'True');
    });
    const path = `/apis/${group}/v1/namespaces/${t.namespace}/gadgets`;
    await t.eventually(path, (body) => assert.equal(body.kind, 'GadgetList'));
    await run(path, { apiVersion: `${group}/v1`, kind: 'Gadget' });
  } finally {
    await t.target.call('DELETE', `${definitions}/gadgets.${group}`);
  }
}

export const DEFINITIONS: readonly Case[] = [
  {
    name: 'custom resources: defaults, pruning, validation',
    run: (t) =>
      define(t, async (path, type) => {
        const made = await t.create(path, {
          ...type,
          metadata: { name: 'a' },
          spec: { size: 1, nope: 1, free: { any: [1] } },
          status: { phase: 'x' },
        });
        assert.deepEqual(made.spec, { size: 1, mode: 'never', free: { any: [1] } });
        assert.equal(made.status, undefined);
        assert.equal(made.metadata.generation, 1);
        const bad = await t.target.call('POST', path, {
          ...type,
          metadata: { name: 'b' },
          spec: { size: 0, mode: 'perhaps' },
        });
        refused(bad, 422, 'Invalid', /spec.mode: Unsupported value: "perhaps"/);
        assert.deepEqual(
          bad.body.details.causes.map((one: { field: string }) => one.field),
          ['spec.mode', 'spec.size'],
        );
        const strict = await t.target.call('POST', `${path}?fieldValidation=Strict`, {
          ...type,
          metadata: { name: 'c' },
          spec: { size: 1, nope: 1 },
        });
        refused(strict, 400, 'BadRequest', /strict decoding error: unknown field "spec.nope"/);
      }),
  },
  {
    name: 'custom resources: several versions, status of its own, replace needs a version',
    run: (t) =>
      define(t, async (path, type) => {
        await t.create(path, { ...type, metadata: { name: 'a' }, spec: { size: 1 } });
        const old = await t.get(`${path.replace('/v1/', '/v1beta1/')}/a`);
        assert.equal(old.body.apiVersion, `${groupOf(t)}/v1beta1`);
        const status = await t.merge(`${path}/a/status`, { spec: { size: 9 }, status: { phase: 'P' } });
        assert.equal(status.body.status.phase, 'P');
        assert.equal(status.body.spec.size, 1);
        assert.equal(status.body.metadata.generation, 1);
        const replace = await t.target.call('PUT', `${path}/a`, {
          ...type,
          metadata: { name: 'a' },
          spec: { size: 2 },
        });
        refused(replace, 422, 'Invalid', /metadata.resourceVersion: Invalid value: 0: must be specified for an update/);
        const strategic = await t.target.call(
          'PATCH',
          `${path}/a`,
          {},
          { 'content-type': 'application/strategic-merge-patch+json' },
        );
        refused(strategic, 415, 'UnsupportedMediaType');
      }),
  },
  {
    name: 'a definition goes with its instances, and its paths after it',
    run: async (t) => {
      let path = '';
      await define(t, async (at, type) => {
        path = at;
        await t.create(at, { ...type, metadata: { name: 'a' }, spec: { size: 1 } });
      });
      await t.eventually(path, (body) => assert.equal(body, '404 page not found\n'));
    },
  },
  {
    name: 'discovery lists the resources of the core group with their verbs',
    run: async (t) => {
      const { body } = await t.get('/api/v1');
      const pods = body.resources.find((one: { name: string }) => one.name === 'pods');
      assert.deepEqual(pods.verbs, ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']);
      assert.deepEqual(pods.shortNames, ['po']);
      const eviction = body.resources.find((one: { name: string }) => one.name === 'pods/eviction');
      assert.deepEqual([eviction.group, eviction.version, eviction.kind], ['policy', 'v1', 'Eviction']);
    },
  },
];
