/** Label and field selectors as they stand in queries. */
import type { KubeObject } from '../../kube/objects.ts';
import { isMap } from './json.ts';
import { labelKeyProblems, labelValueProblems } from './names.ts';
import type { ResourceInfo } from './registry.ts';
import { badRequest } from './status.ts';

export type Match = (object: KubeObject) => boolean;
export type LabelMatch = (labels: Readonly<Record<string, string>>) => boolean;

const everything: LabelMatch = () => true;
const PARSED = new Map<string, LabelMatch>();

/** `a=b,c!=d,e in (x,y),f notin (z),g,!h`. @throws StatusError 400 */
export function parseLabelSelector(text: string | undefined): LabelMatch {
  if (text === undefined || text.trim() === '') return everything;
  const known = PARSED.get(text);
  if (known !== undefined) return known;
  const parts = splitOutsideParentheses(text);
  // The grammar allows for no comma at the end (recorded: label-trailing-comma).
  if (parts.at(-1) === '') throw badRequest("found '', expected: identifier after ','");
  const requirements = parts.map(parseRequirement);
  const match: LabelMatch = (labels) => requirements.every((requirement) => requirement(labels));
  PARSED.set(text, match);
  return match;
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim());
}

function parseRequirement(part: string): LabelMatch {
  const set = /^([^\s!=()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    check(key, [...values]);
    return operator === 'in'
      ? (labels) => labels[key] !== undefined && values.has(labels[key])
      : (labels) => labels[key] === undefined || !values.has(labels[key]);
  }
  const pair = /^([^\s!=()]+)\s*(==|=|!=)\s*([^\s!=()]*)$/.exec(part);
  if (pair !== null) {
    const [, key = '', operator, value = ''] = pair;
    check(key, [value]);
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const order = /^([^\s!=()<>]+)\s*([<>])\s*(\d+)$/.exec(part);
  if (order !== null) {
    const [, key = '', operator, bound] = order;
    const compare = (value: number): boolean => (operator === '>' ? value > Number(bound) : value < Number(bound));
    return (labels) => /^-?\d+$/.test(labels[key] ?? '') && compare(Number(labels[key]));
  }
  const exists = /^(!?)\s*([^\s!=()]+)$/.exec(part);
  if (exists !== null) {
    const [, not, key = ''] = exists;
    check(key, []);
    return not === '!' ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined;
  }
  throw badRequest(`unable to parse requirement: ${complaint(part)}`);
}

/** @throws StatusError 400 for a key or value that no label can have */
function check(key: string, values: readonly string[]): void {
  const [wrong] = labelKeyProblems(key).length > 0 ? [labelKeyProblems(key).join('; ')] : [];
  if (wrong !== undefined) {
    throw badRequest(`unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${wrong}`);
  }
  for (const [index, value] of values.entries()) {
    const [problem] = labelValueProblems(value);
    if (problem === undefined) continue;
    const place = `values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}`;
    throw badRequest(`unable to parse requirement: ${place}: ${problem}`);
  }
}

/** What the parser of apimachinery says of a requirement that it cannot read: the first token that does not fit. */
function complaint(part: string): string {
  const tokens = part.match(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g) ?? [''];
  const rest = tokens[0] === '!' ? tokens.slice(1) : tokens;
  const [key = '', operator = '', value = ''] = rest;
  if (!/^[^=!<>(),]+$/.test(key)) return `found '${key}', expected: !, identifier, or 'end of string'`;
  if (!['=', '==', '!=', 'in', 'notin', '<', '>'].includes(operator)) {
    return `found '${operator}', expected: in, notin, =, ==, !=, gt, lt`;
  }
  if (operator === 'in' || operator === 'notin') {
    return value === '('
      ? `found '${rest[3] ?? ''}', expected: ',', ')' or identifier`
      : `found '${value}', expected: '('`;
  }
  return `found '${/^[=!<>(),]/.test(value) ? value : (rest[3] ?? '')}', expected: identifier`;
}

/** Fields beside metadata.name and metadata.namespace, per resource (kubernetes.md section 3). */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  nodes: ['spec.unschedulable'],
  'resourceslices.resource.k8s.io': ['spec.nodeName', 'spec.driver'],
  namespaces: ['status.phase'],
  secrets: ['type'],
  services: ['spec.clusterIP', 'spec.type'],
  events: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
};

/** These say it in other words (recorded): apps kinds, ConfigMaps. */
const OTHER_WORDS = new Set(['configmaps', 'daemonsets.apps', 'deployments.apps', 'replicasets.apps']);

export interface FieldSelector {
  readonly matches: Match;
  /** The node of `spec.nodeName=x`, for the index. */
  readonly nodeName?: string;
}

/** `metadata.name=x,spec.nodeName!=y`. @throws StatusError 400 for fields that the resource does not know */
export function parseFieldSelector(text: string | undefined, info: ResourceInfo): FieldSelector {
  if (text === undefined || text.trim() === '') return { matches: () => true };
  const terms = text.split(',').map((part) => {
    const term = /^([^!=]+)(==|=|!=)(.*)$/.exec(part.trim());
    if (term === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = '', operator, value = ''] = term;
    checkField(field, info);
    return { path: field.split('.'), field, equals: operator !== '!=', value };
  });
  const node = terms.find((term) => term.field === 'spec.nodeName' && term.equals);
  return {
    matches: (object) => terms.every(({ path, equals, value }) => (fieldText(object, path) === value) === equals),
    ...(node !== undefined && info.name === 'pods' && { nodeName: node.value }),
  };
}

function checkField(field: string, info: ResourceInfo): void {
  const always = info.namespaced ? ['metadata.name', 'metadata.namespace'] : ['metadata.name'];
  if (always.includes(field) || FIELDS[info.name]?.includes(field) === true) return;
  throw badRequest(
    OTHER_WORDS.has(info.name)
      ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
      : `field label not supported: ${field}`,
  );
}

function fieldText(object: KubeObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const key of path) value = isMap(value) ? value[key] : undefined;
  if (value === undefined || value === null) return path.at(-1) === 'unschedulable' ? 'false' : '';
  return String(value);
}
