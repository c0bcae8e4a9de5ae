/** The rules of the API that the rehearsal or its users can break; others are not checked. Texts as recorded. */
import type { KubeObject } from '../../kube/objects.ts';
import { equalJson, isMap, type JsonMap } from './json.ts';
import { LABEL, labelKeyProblems, labelValueProblems, SUBDOMAIN } from './names.ts';
import { podSpecProblems, podUpdateProblems } from './pod-validation.ts';
import type { ResourceInfo } from './registry.ts';
import type { Route } from './route.ts';
import { type FieldProblem, fieldForbidden, invalid, invalidObject, required } from './status.ts';
import { schemaProblems } from './structural-schema.ts';

const mapOf = (value: unknown): JsonMap => (isMap(value) ? value : {});

/** etcd's limit of what a ConfigMap or Secret may hold (pkg/apis/core/validation). */
const LARGEST_DATA = 1_048_576;

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
  if (problems.length > 0) throw invalidObject(info, object.metadata.name ?? '', problems);
}

/** Ratcheting: what was wrong before and stays as it is, is let pass (CRDValidationRatcheting, stable since 1.33). */
function newProblems(object: JsonMap, before: JsonMap | undefined, schema: JsonMap): FieldProblem[] {
  const problems = schemaProblems(object, schema);
  if (before === undefined || problems.length === 0) return problems;
  const known = new Set(schemaProblems(before, schema).map(({ field, message }) => `${field}: ${message}`));
  return problems.filter(({ field, message }) => !known.has(`${field}: ${message}`));
}

function metadataProblems(info: ResourceInfo, object: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const { labels, finalizers } = object.metadata;
  const problems = before === undefined ? nameProblems(info, object) : [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const text of labelKeyProblems(key)) problems.push(invalid('metadata.labels', key, text));
    for (const text of labelValueProblems(value)) problems.push(invalid('metadata.labels', value, text));
  }
  for (const [index, finalizer] of (finalizers ?? []).entries()) {
    if (finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)) continue;
    const text = 'name is neither a standard finalizer name nor is it fully qualified';
    problems.push(invalid(`metadata.finalizers[${index}]`, finalizer, text));
  }
  return problems;
}

const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function nameProblems(info: ResourceInfo, object: KubeObject): FieldProblem[] {
  const { name } = object.metadata;
  // RBAC names are path segments: `system:node` is one.
  if (name === undefined || name === '' || info.group === 'rbac.authorization.k8s.io') return [];
  const rule = info.name === 'namespaces' || info.name === 'services' ? LABEL : SUBDOMAIN;
  return rule.pattern.test(name) ? [] : [invalid('metadata.name', name, rule.text)];
}

function specProblems(info: ResourceInfo, object: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const spec = mapOf(object.spec);
  switch (info.name) {
    case 'pods':
      return before === undefined ? podSpecProblems('spec', spec) : podUpdateProblems(mapOf(before.spec), spec);
    case 'deployments.apps':
    case 'replicasets.apps':
    case 'statefulsets.apps':
    case 'daemonsets.apps':
      return workload(spec, mapOf(before?.spec), before !== undefined);
    case 'services':
      return service(spec);
    case 'nodes':
      return before === undefined ? [] : node(spec, mapOf(before.spec));
    case 'configmaps':
    case 'secrets':
      return data(object);
    case 'poddisruptionbudgets.policy':
      return budget(spec);
    case 'customresourcedefinitions.apiextensions.k8s.io':
      return definition(object, before);
    default:
      return [];
  }
}

function workload(spec: JsonMap, before: JsonMap, update: boolean): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const { replicas } = spec;
  if (typeof replicas === 'number' && replicas < 0) {
    problems.push(invalid('spec.replicas', replicas, 'must be greater than or equal to 0'));
  }
  const labels = mapOf(mapOf(mapOf(spec.template).metadata).labels);
  const wanted = mapOf(mapOf(spec.selector).matchLabels);
  if (!isMap(spec.selector)) problems.push(required('spec.selector'));
  if (!isMap(spec.selector) || Object.entries(wanted).some(([key, value]) => labels[key] !== value)) {
    const text = '`selector` does not match template `labels`';
    problems.push(invalid('spec.template.metadata.labels', labels, text));
  }
  if (update && !equalJson(before.selector, spec.selector)) {
    problems.push(invalid('spec.selector', spec.selector, 'field is immutable'));
  }
  const rolling = mapOf(mapOf(spec.updateStrategy).rollingUpdate);
  if (rolling.maxUnavailable === 0 && rolling.maxSurge === 0) {
    const field = 'spec.updateStrategy.rollingUpdate.maxUnavailable';
    problems.push(required(field, 'cannot be 0 when maxSurge is 0'));
  }
  return [...problems, ...podSpecProblems('spec.template.spec', mapOf(mapOf(spec.template).spec))];
}

function service(spec: JsonMap): FieldProblem[] {
  const ports = Array.isArray(spec.ports) ? spec.ports : [];
  return ports.length > 0 || spec.type === 'ExternalName' || spec.clusterIP === 'None' ? [] : [required('spec.ports')];
}

/** The pod networks of a node are given once. */
function node(spec: JsonMap, before: JsonMap): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const ranges = Array.isArray(spec.podCIDRs) ? (spec.podCIDRs as unknown[]) : [];
  const fours = ranges.filter((range) => typeof range === 'string' && !range.includes(':'));
  if (fours.length > 1 || ranges.length - fours.length > 1) {
    problems.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'));
  }
  const old = Array.isArray(before.podCIDRs) ? (before.podCIDRs as unknown[]) : [];
  if (old.length > 0 && !equalJson(old, ranges)) {
    const text = 'node updates may not change podCIDR except from "" to valid';
    problems.push(fieldForbidden('spec.podCIDRs', text));
  }
  return problems;
}

function data(object: KubeObject): FieldProblem[] {
  let size = 0;
  for (const values of [mapOf(object.data), mapOf(object.binaryData)]) {
    for (const value of Object.values(values)) size += typeof value === 'string' ? Buffer.byteLength(value) : 0;
  }
  if (size <= LARGEST_DATA) return [];
  const message = `Too long: may not be more than ${LARGEST_DATA} bytes`;
  return [{ field: '[]', reason: 'FieldValueTooLong', message }];
}

function budget(spec: JsonMap): FieldProblem[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  if (minAvailable === undefined || maxUnavailable === undefined) return [];
  // In the words of the internal type (recorded).
  const shown = {
    MinAvailable: minAvailable,
    Selector: selector ?? null,
    MaxUnavailable: maxUnavailable,
    UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
  };
  return [invalid('spec', shown, 'minAvailable and maxUnavailable cannot be both set')];
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
