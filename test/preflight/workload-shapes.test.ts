/** Whatever stands in a manifest, rules answer: the API, not a TypeError, says what is wrong with it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/objects.ts';
import { conform, POD_SPEC } from '../../src/preflight/conform.ts';
import type { Rule } from '../../src/preflight/rule.ts';
import { calicoCniFeature } from '../../src/preflight/rules/calico-cni-feature.ts';
import { calicoPolicyLost } from '../../src/preflight/rules/calico-policy-lost.ts';
import { imageMissing } from '../../src/preflight/rules/image-missing.ts';
import { noRoomToDrain } from '../../src/preflight/rules/no-room-to-drain.ts';
import { policyAcrossCnis } from '../../src/preflight/rules/policy-across-cnis.ts';
import { factsOf, workloadsOf } from './rig.ts';

const RULES: readonly Rule[] = [calicoCniFeature, calicoPolicyLost, imageMissing, noRoomToDrain, policyAcrossCnis];

const SELECTOR = '{ matchLabels: { app: web }, matchExpressions: [{ key: app, operator: In, values: [web] }] }';
const FULL = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, ownerReferences: [{ apiVersion: operator.tigera.io/v1 }] }
spec:
  replicas: 9
  template:
    metadata: { labels: { app: web }, annotations: { cni.projectcalico.org/ipAddrs: x } }
    spec:
      containers: [{ name: c, image: x, ports: [{ containerPort: 1, hostPort: 2 }] }]
      initContainers: [{ name: i, image: x, ports: [{ containerPort: 1, hostPort: 3 }] }]
      nodeSelector: { kubernetes.io/os: linux }
      tolerations: [{ key: a, operator: Equal, value: b, effect: NoSchedule }]
      affinity:
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/os, operator: In, values: [linux] }], matchFields: [{ key: metadata.name, operator: NotIn, values: [a] }] }] } }
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, labelSelector: ${SELECTOR}, namespaces: [default] }] }
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: ${SELECTOR} }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { maxUnavailable: 50%, minAvailable: 1, selector: ${SELECTOR} }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web }
spec:
  podSelector: ${SELECTOR}
  policyTypes: [Ingress]
  ingress: [{ ports: [{ port: 80, protocol: TCP }], from: [{ podSelector: ${SELECTOR}, namespaceSelector: {} }, { ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] } }] }]
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: { name: web, labels: { a: b } }
spec: { tier: default, types: [Ingress], selector: app == 'web', ingress: [{ action: Allow, protocol: TCP, source: { selector: a == 'b', nets: [10.0.0.0/8], notNets: [10.1.0.0/16] }, destination: { ports: [80] } }] }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: cron }
spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: c, image: x }] } } } } }
---
apiVersion: v1
kind: Namespace
metadata: { name: shop, annotations: { cni.projectcalico.org/ipv4pools: x } }
`;

/** Paths of everything in the object below what a manifest must have. */
function paths(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return path.length === 0 ? [] : [path];
  const inner = Object.entries(value).flatMap(([key, item]) =>
    paths(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

function put(object: unknown, [key, ...rest]: (string | number)[], value: unknown): void {
  const holder = object as Record<string | number, unknown>;
  if (rest.length === 0) holder[key!] = value;
  else put(holder[key!], rest, value);
}

const FIXED = /^(apiVersion|kind|metadata|metadata\.name|metadata\.namespace)$/;

test('the manifests as they are say something to every rule', () => {
  const facts = factsOf({}, { workloads: FULL, imageExists: () => 'no' });
  for (const rule of RULES) expect(rule.judgeScenario!(facts).length, rule.id).toBeGreaterThan(0);
});

test('anything anywhere', () => {
  const workloads = workloadsOf(FULL);
  const places = workloads.flatMap(({ object }, index) =>
    paths(object)
      .filter((path) => !FIXED.test(path.join('.')))
      .map((path) => ({ index, path })),
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), ({ index, path }, value) => {
      const changed = workloads.map((one, at) => {
        if (at !== index) return one;
        const object = structuredClone(one.object) as KubeObject;
        put(object, path, value);
        return { ...one, object };
      });
      const facts = {
        ...factsOf({}, { imageExists: (image) => (image.startsWith('x') ? 'no' : 'yes') }),
        workloads: changed,
      };
      for (const rule of RULES) {
        for (const { where, message } of rule.judgeScenario!(facts))
          expect(`${where}${message}`).not.toContain('[object');
      }
    }),
    { numRuns: 600 },
  );
});

test('what has the shape is kept, what has not is passed over', () => {
  expect(conform('x', POD_SPEC)).toBeUndefined();
  expect(
    conform(
      { containers: ['x', { image: 1, ports: 'x', name: 'c' }], tolerations: null, nodeSelector: { a: 1, b: {} } },
      POD_SPEC,
    ),
  ).toEqual({ containers: [{ name: 'c' }], nodeSelector: { a: '1' } });
  expect(conform({ constructor: 1 }, { a: 'text' })).toEqual({ constructor: 1 });
});
