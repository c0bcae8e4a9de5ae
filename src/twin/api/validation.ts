/** The rules of the API that the rehearsal or its users can break; others are not checked. Texts as recorded. */
import type { KubeObject } from '../../kube/objects.ts';
import { equalJson, isMap, type JsonMap } from './json.ts';
import type { ResourceInfo } from './registry.ts';
import { type FieldProblem, invalid, invalidObject, required } from './status.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const mapOf = (value: unknown): JsonMap => (isMap(value) ? value : {});

/** @throws StatusError 422 */
export function validate(info: ResourceInfo, object: KubeObject, before?: KubeObject): void {
  const problems = [...nameProblems(info, object), ...specProblems(info, object, before)];
  if (problems.length > 0) throw invalidObject(info, object.metadata.name ?? '', problems);
}

function nameProblems(info: ResourceInfo, object: KubeObject): FieldProblem[] {
  const { name } = object.metadata;
  // RBAC names are path segments: `system:node` is one.
  if (name === undefined || name === '' || info.group === 'rbac.authorization.k8s.io') return [];
  const label = info.name === 'namespaces' || info.name === 'services';
  if ((label ? LABEL : SUBDOMAIN).test(name)) return [];
  return [invalid('metadata.name', name, label ? LABEL_TEXT : SUBDOMAIN_TEXT)];
}

function specProblems(info: ResourceInfo, object: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const spec = mapOf(object.spec);
  switch (info.name) {
    case 'pods':
      return containers('spec', spec);
    case 'deployments.apps':
    case 'replicasets.apps':
    case 'statefulsets.apps':
    case 'daemonsets.apps':
      return workload(spec, mapOf(before?.spec), before !== undefined);
    case 'services':
      return service(spec);
    case 'poddisruptionbudgets.policy':
      return budget(spec);
    default:
      return [];
  }
}

function containers(field: string, spec: JsonMap): FieldProblem[] {
  const list = spec.containers;
  return Array.isArray(list) && list.length > 0 ? [] : [required(`${field}.containers`)];
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
  return [...problems, ...containers('spec.template.spec', mapOf(mapOf(spec.template).spec))];
}

function service(spec: JsonMap): FieldProblem[] {
  const ports = Array.isArray(spec.ports) ? spec.ports : [];
  return ports.length > 0 || spec.type === 'ExternalName' || spec.clusterIP === 'None' ? [] : [required('spec.ports')];
}

function budget(spec: JsonMap): FieldProblem[] {
  if (spec.minAvailable === undefined || spec.maxUnavailable === undefined) return [];
  return [invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')];
}
