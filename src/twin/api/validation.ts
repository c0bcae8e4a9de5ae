/** The rules of the API that the rehearsal or its users can break; others are not checked. Texts as recorded. */
import type { KubeObject } from '../../kube/objects.ts';
import { all, mapOf } from './field-rules.ts';
import { isMap, type JsonMap } from './json.ts';
import {
  bindingProblems,
  budgetProblems,
  dataProblems,
  ingressProblems,
  jobPolicyProblems,
  leaseProblems,
  nodeProblems,
  policyProblems,
  priorityProblems,
  roleProblems,
} from './kind-validation.ts';
import { DNS_1035, LABEL, labelKeyProblems, labelValueProblems, nameProblems, SUBDOMAIN } from './names.ts';
import { BUILT_IN_PRIORITIES } from './pod-defaults.ts';
import { podSpecProblems, podUpdateProblems } from './pod-validation.ts';
import type { ResourceInfo } from './registry.ts';
import type { Route } from './route.ts';
import { serviceProblems } from './service-validation.ts';
import { type FieldProblem, invalid, invalidObject, required } from './status.ts';
import { schemaProblems } from './structural-schema.ts';
import { workloadProblems } from './workload-validation.ts';

/** @throws StatusError 422 */
export function validate({ info, version, subresource }: Route, object: KubeObject, before?: KubeObject): void {
  const schema = info.schemas?.get(version);
  const own =
    schema !== undefined
      ? newProblems(object as unknown as JsonMap, before as JsonMap | undefined, schema)
      : subresource === undefined
        ? specProblems(info, object, before)
        : [];
  const problems = [...metadataProblems(info, object, before), ...own];
  if (problems.length > 0) throw invalidObject(info, object.metadata.name ?? '', problems.map(wordedFor(info)));
}

/** Until 1.35 lengths were told in characters, since then in bytes (recorded with 1.34 and 1.36). */
const wordedFor =
  ({ minor = 36 }: ResourceInfo) =>
  (problem: FieldProblem): FieldProblem =>
    minor > 35
      ? problem
      : { ...problem, message: problem.message.replace(/(must be no more than \d+) bytes$/, '$1 characters') };

/** Ratcheting: what was wrong before and stays as it is, is let pass (CRDValidationRatcheting, stable since 1.33). */
function newProblems(object: JsonMap, before: JsonMap | undefined, schema: JsonMap): FieldProblem[] {
  const problems = schemaProblems(object, schema);
  if (before === undefined || problems.length === 0) return problems;
  const known = new Set(schemaProblems(before, schema).map(({ field, message }) => `${field}: ${message}`));
  return problems.filter(({ field, message }) => !known.has(`${field}: ${message}`));
}

function metadataProblems(info: ResourceInfo, object: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const { labels, finalizers } = object.metadata;
  const problems = before === undefined ? nameOfObject(info, object) : [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const text of labelKeyProblems(key)) problems.push(invalid('metadata.labels', key, text));
    for (const text of labelValueProblems(value)) problems.push(invalid('metadata.labels', value, text));
  }
  for (const key of Object.keys(object.metadata.annotations ?? {})) {
    problems.push(...all('metadata.annotations', key, labelKeyProblems(key.toLowerCase())));
  }
  for (const owner of object.metadata.ownerReferences ?? []) {
    if ((owner.uid ?? '') === '') problems.push(invalid('metadata.ownerReferences.uid', '', 'must not be empty'));
  }
  for (const [index, finalizer] of (finalizers ?? []).entries()) {
    if (finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)) continue;
    const text = 'name is neither a standard finalizer name nor is it fully qualified';
    problems.push(invalid(`metadata.finalizers[${index}]`, finalizer, text));
  }
  return problems;
}

const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function nameOfObject(info: ResourceInfo, object: KubeObject): FieldProblem[] {
  const { name } = object.metadata;
  // RBAC names are path segments: `system:node` is one.
  if (name === undefined || name === '' || info.group === 'rbac.authorization.k8s.io') return [];
  const rule = info.name === 'namespaces' ? LABEL : info.name === 'services' ? DNS_1035 : SUBDOMAIN;
  return all('metadata.name', name, nameProblems(name, rule));
}

const jobProblems = (field: string, spec: JsonMap): FieldProblem[] => [
  ...podSpecProblems(field, spec),
  ...jobPolicyProblems(field, spec),
];

function specProblems(info: ResourceInfo, object: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const spec = mapOf(object.spec);
  const old = before === undefined ? undefined : mapOf(before.spec);
  switch (info.name) {
    case 'pods':
      return before === undefined ? podSpecProblems('spec', spec) : podUpdateProblems(mapOf(before.spec), spec);
    case 'deployments.apps':
    case 'replicasets.apps':
    case 'statefulsets.apps':
    case 'daemonsets.apps':
      return workloadProblems(info.name, spec, old);
    case 'services':
      return serviceProblems(spec, old);
    case 'nodes':
      return nodeProblems(spec, old);
    case 'configmaps':
    case 'secrets':
      return dataProblems(object, before);
    case 'poddisruptionbudgets.policy':
      return budgetProblems(spec);
    case 'networkpolicies.networking.k8s.io':
      return policyProblems(spec);
    case 'roles.rbac.authorization.k8s.io':
    case 'clusterroles.rbac.authorization.k8s.io':
      return roleProblems(object);
    case 'rolebindings.rbac.authorization.k8s.io':
    case 'clusterrolebindings.rbac.authorization.k8s.io':
      return bindingProblems(object, before);
    case 'leases.coordination.k8s.io':
      return leaseProblems(spec);
    case 'priorityclasses.scheduling.k8s.io':
      return priorityProblems(object, Object.keys(BUILT_IN_PRIORITIES));
    case 'ingresses.networking.k8s.io':
      return ingressProblems(spec);
    case 'jobs.batch':
      return before === undefined ? jobProblems('spec.template.spec', mapOf(mapOf(spec.template).spec)) : [];
    case 'customresourcedefinitions.apiextensions.k8s.io':
      return definition(object, before);
    default:
      return [];
  }
}

function definition(object: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const spec = mapOf(object.spec);
  const names = mapOf(spec.names);
  const missing = [
    ...(typeof spec.group === 'string' && spec.group !== '' ? [] : ['spec.group']),
    ...(typeof spec.scope === 'string' ? [] : ['spec.scope']),
    ...(typeof names.plural === 'string' ? [] : ['spec.names.plural']),
    ...(typeof names.kind === 'string' ? [] : ['spec.names.kind']),
    ...(Array.isArray(spec.versions) && spec.versions.length > 0 ? [] : ['spec.versions']),
  ];
  if (missing.length > 0) return missing.map((field) => required(field));
  const problems: FieldProblem[] = [];
  const expected = `${String(mapOf(spec.names).plural)}.${String(spec.group)}`;
  const { name } = object.metadata;
  if (name !== expected) problems.push(invalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group'));
  const versions = Array.isArray(spec.versions) ? (spec.versions as JsonMap[]) : [];
  for (const [index, version] of versions.entries()) {
    if (isMap(mapOf(version.schema).openAPIV3Schema)) continue;
    problems.push(required(`spec.versions[${index}].schema.openAPIV3Schema`));
  }
  const storage = versions.filter((version) => version.storage === true);
  if (storage.length !== 1) {
    const text = 'must have exactly one version marked as storage version';
    problems.push(invalid('spec.versions', versions, text));
  }
  const stored = mapOf(before?.status).storedVersions;
  for (const [index, one] of (Array.isArray(stored) ? (stored as unknown[]) : []).entries()) {
    if (versions.some((version) => version.name === one)) continue;
    const text = `missing from spec.versions; ${String(one)} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${String(one)} and removes ${String(one)} from status.storedVersions`;
    problems.push(invalid(`status.storedVersions[${index}]`, one, text));
  }
  return problems;
}
