/** Rules of kinds that have only a few (kubernetes pkg/apis/{core,policy,networking,rbac,…}/validation). Texts as recorded. */
import { isIP } from 'node:net';
import type { KubeObject } from '../../kube/objects.ts';
import {
  all,
  countOrPercent,
  labelMap,
  mapOf,
  mapsOf,
  notNegative,
  oneOf,
  portNumberOrName,
  textOf,
} from './field-rules.ts';
import { equalJson, isMap, type JsonMap } from './json.ts';
import { labelKeyProblems } from './names.ts';
import { EFFECTS } from './pod-validation.ts';
import {
  badRequest,
  duplicate,
  type FieldProblem,
  fieldForbidden,
  invalid,
  required,
  StatusError,
  unsupported,
} from './status.ts';

/** etcd's limit of what a ConfigMap or Secret may hold (pkg/apis/core/validation). */
const LARGEST_DATA = 1_048_576;

const KEY = /^[-._a-zA-Z0-9]+$/;
const KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

function keyProblems(key: string): string[] {
  if (!KEY.test(key)) return [KEY_TEXT];
  return key === '.' ? ["must not be '.'"] : key === '..' ? ["must not be '..'"] : [];
}

/** ConfigMaps and Secrets. @throws StatusError 400 for a Secret whose data is no base64, as decoding it does */
export function dataProblems(object: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const secret = object.kind === 'Secret';
  let size = 0;
  const problems: FieldProblem[] = [];
  for (const part of ['data', 'binaryData']) {
    for (const [key, value] of Object.entries(mapOf(object[part])).sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (secret || part === 'binaryData') requireBase64(object.kind ?? '', textOf(value));
      problems.push(...all(`${part}[${key}]`, key, keyProblems(key)));
      size += Buffer.byteLength(textOf(value));
    }
  }
  if (size > LARGEST_DATA) {
    const message = `Too long: may not be more than ${LARGEST_DATA} bytes`;
    problems.push({ field: '[]', reason: 'FieldValueTooLong', message });
  }
  if (secret) problems.push(...secretProblems(object, before));
  if (before?.immutable === true) {
    const text = 'field is immutable when `immutable` is set';
    if (object.immutable !== true) problems.push(fieldForbidden('immutable', text));
    for (const part of ['data', 'binaryData']) {
      if (!equalJson(mapOf(before[part]), mapOf(object[part]))) problems.push(fieldForbidden(part, text));
    }
  }
  return problems;
}

function requireBase64(kind: string, text: string): void {
  const place = text.search(/[^A-Za-z0-9+/=\r\n]/);
  const length = text.replaceAll(/[\r\n]/g, '').length;
  if (place < 0 && length % 4 === 0) return;
  const at = place < 0 ? length - (length % 4) : place;
  throw badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: illegal base64 data at input byte ${at}`);
}

/** Keys that a type of Secret cannot be without. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

function secretProblems({ type, data }: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const missing = (NEEDED[textOf(type)] ?? []).filter((key) => mapOf(data)[key] === undefined);
  const moved = before !== undefined && before.type !== type;
  return [
    ...missing.map((key) => required(`data[${key}]`)),
    ...(moved ? [invalid('type', type, 'field is immutable')] : []),
  ];
}

export function budgetProblems(spec: JsonMap): FieldProblem[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  const problems: FieldProblem[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    // In the words of the internal type (recorded).
    const shown = {
      MinAvailable: minAvailable,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
    };
    problems.push(invalid('spec', shown, 'minAvailable and maxUnavailable cannot be both set'));
  }
  return [
    ...problems,
    ...countOrPercent('spec.minAvailable', minAvailable),
    ...countOrPercent('spec.maxUnavailable', maxUnavailable),
    ...oneOf('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']),
  ];
}

/** The pod networks of a node are given once; its taints are unique by key and effect. */
export function nodeProblems(spec: JsonMap, before: JsonMap | undefined): FieldProblem[] {
  const problems = taintProblems(mapsOf(spec.taints));
  if (before === undefined) return problems;
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

function taintProblems(taints: readonly JsonMap[]): FieldProblem[] {
  return taints.flatMap(({ key, value, effect, timeAdded }, index) => {
    const at = `metadata.taints[${index}]`;
    const same = taints.slice(0, index).some((one) => one.key === key && one.effect === effect);
    const shown = { Key: key, Value: textOf(value), Effect: effect, TimeAdded: timeAdded ?? null };
    return [
      ...all(`${at}.key`, key, labelKeyProblems(textOf(key))),
      ...oneOf(`${at}.effect`, effect, EFFECTS),
      ...(same ? [duplicate(at, shown, 'taints must be unique by key and effect pair')] : []),
    ];
  });
}

export function policyProblems(spec: JsonMap): FieldProblem[] {
  const types = Array.isArray(spec.policyTypes) ? (spec.policyTypes as unknown[]) : [];
  return [
    ...labelMap('spec.podSelector.matchLabels', mapOf(spec.podSelector).matchLabels),
    ...mapsOf(spec.ingress).flatMap((rule, index) => policyRule(`spec.ingress[${index}]`, rule, 'from')),
    ...mapsOf(spec.egress).flatMap((rule, index) => policyRule(`spec.egress[${index}]`, rule, 'to')),
    ...types.flatMap((type, index) => oneOf(`spec.policyTypes[${index}]`, type, ['Ingress', 'Egress'])),
  ];
}

function policyRule(field: string, rule: JsonMap, peers: 'from' | 'to'): FieldProblem[] {
  const ports = mapsOf(rule.ports).flatMap(({ port, protocol }, index) => [
    ...oneOf(`${field}.ports[${index}].protocol`, protocol, ['TCP', 'UDP', 'SCTP']),
    ...(port === undefined ? [] : portNumberOrName(`${field}.ports[${index}].port`, port)),
  ]);
  return [...ports, ...mapsOf(rule[peers]).flatMap((peer, index) => peerProblems(`${field}.${peers}[${index}]`, peer))];
}

function peerProblems(field: string, peer: JsonMap): FieldProblem[] {
  const kinds = ['podSelector', 'namespaceSelector', 'ipBlock'].filter((kind) => peer[kind] !== undefined);
  if (kinds.length === 0) return [required(field, 'must specify a peer')];
  const problems: FieldProblem[] = [];
  if (isMap(peer.ipBlock)) {
    const { cidr, except } = peer.ipBlock;
    const at = `${field}.ipBlock`;
    if (textOf(cidr) === '') problems.push(required(`${at}.cidr`));
    else if (rangeOf(cidr) === undefined) {
      problems.push(invalid(`${at}.cidr`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
    }
    const list = Array.isArray(except) ? (except as unknown[]) : [];
    for (const [index, one] of list.entries()) {
      if (isInside(rangeOf(one), rangeOf(cidr))) continue;
      problems.push(invalid(`${at}.except[${index}]`, one, 'must be a strict subset of `cidr`'));
    }
    if (kinds.length > 1) problems.push(fieldForbidden(field, 'may not specify both ipBlock and another peer'));
  }
  return problems;
}

interface Range {
  readonly base: string;
  readonly bits: number;
}

function rangeOf(value: unknown): Range | undefined {
  const [base = '', bits = ''] = textOf(value).split('/');
  const version = isIP(base);
  if (version === 0 || !/^\d+$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) return undefined;
  return { base, bits: Number(bits) };
}

/** Of IPv6 ranges only the lengths are compared. */
function isInside(inner: Range | undefined, outer: Range | undefined): boolean {
  if (inner === undefined || outer === undefined || inner.bits <= outer.bits) return false;
  if (isIP(inner.base) !== 4 || isIP(outer.base) !== 4) return true;
  const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const share = 2 ** (32 - outer.bits);
  return Math.floor(number(inner.base) / share) === Math.floor(number(outer.base) / share);
}

/** Roles and ClusterRoles. */
export function roleProblems({ rules }: KubeObject): FieldProblem[] {
  return mapsOf(rules).flatMap((rule, index) => {
    const empty = (name: string): boolean => !Array.isArray(rule[name]) || (rule[name] as unknown[]).length === 0;
    const at = `rules[${index}]`;
    if (!empty('nonResourceURLs'))
      return empty('verbs') ? [required(`${at}.verbs`, 'verbs must contain at least one value')] : [];
    return [
      ...(empty('verbs') ? [required(`${at}.verbs`, 'verbs must contain at least one value')] : []),
      ...(empty('apiGroups') ? [required(`${at}.apiGroups`, 'resource rules must supply at least one api group')] : []),
      ...(empty('resources') ? [required(`${at}.resources`, 'resource rules must supply at least one resource')] : []),
    ];
  });
}

/** RoleBindings and ClusterRoleBindings. @throws StatusError 500 without a reason for another kind of role, as recorded */
export function bindingProblems({ roleRef }: KubeObject, before: KubeObject | undefined): FieldProblem[] {
  const { kind, name } = mapOf(roleRef);
  if (kind !== 'Role' && kind !== 'ClusterRole') {
    throw new StatusError(500, undefined, `unsupported role reference kind: ${JSON.stringify(textOf(kind))}`);
  }
  return [
    ...(textOf(name) === '' ? [required('roleRef.name')] : []),
    ...(before !== undefined && !equalJson(before.roleRef, roleRef)
      ? [invalid('roleRef', roleRef, 'cannot change roleRef')]
      : []),
  ];
}

export function leaseProblems(spec: JsonMap): FieldProblem[] {
  const { leaseDurationSeconds: duration, leaseTransitions } = spec;
  return [
    ...(typeof duration === 'number' && duration <= 0
      ? [invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
      : []),
    ...notNegative('spec.leaseTransitions', leaseTransitions),
  ];
}

const HIGHEST_USER_PRIORITY = 1_000_000_000;

export function priorityProblems({ metadata: { name }, value }: KubeObject, known: readonly string[]): FieldProblem[] {
  if (name.startsWith('system-')) {
    if (known.includes(name)) return [];
    const text = `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`;
    return [fieldForbidden('metadata.name', text)];
  }
  const text = `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`;
  return typeof value === 'number' && value > HIGHEST_USER_PRIORITY ? [fieldForbidden('value', text)] : [];
}

export function ingressProblems(spec: JsonMap): FieldProblem[] {
  const text = 'either `defaultBackend` or `rules` must be specified';
  return spec.defaultBackend === undefined && mapsOf(spec.rules).length === 0 ? [invalid('spec', null, text)] : [];
}

/** @param field `spec.template.spec` of a Job */
export function jobPolicyProblems(field: string, spec: JsonMap): FieldProblem[] {
  const policy = textOf(spec.restartPolicy);
  if (policy === 'OnFailure' || policy === 'Never') return [];
  const at = `${field}.restartPolicy`;
  // Filled in with Always by the defaults, it counts as left out (recorded).
  return policy === '' || policy === 'Always'
    ? [required(at, 'valid values: "OnFailure", "Never"')]
    : [unsupported(at, policy, ['OnFailure', 'Never'])];
}
