/** What Deployments, ReplicaSets, DaemonSets and StatefulSets must look like (kubernetes pkg/apis/apps/validation). Texts as recorded. */
import { countOrPercent, mapOf, notNegative, selectorFinds, selectorProblems, textOf } from './field-rules.ts';
import { equalJson, isMap, type JsonMap } from './json.ts';
import { podSpecProblems } from './pod-validation.ts';
import { type FieldProblem, fieldForbidden, invalid, required, unsupported } from './status.ts';

export type Workload = 'deployments.apps' | 'replicasets.apps' | 'statefulsets.apps' | 'daemonsets.apps';

/** How messages call the kind of an empty selector; a ReplicaSet is called as recorded. */
const CALLED: Readonly<Record<Workload, string>> = {
  'deployments.apps': 'deployment',
  'replicasets.apps': 'deployment',
  'statefulsets.apps': 'statefulset',
  'daemonsets.apps': 'daemonset',
};

const FIXED =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const CHANGES = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export function workloadProblems(kind: Workload, spec: JsonMap, before: JsonMap | undefined): FieldProblem[] {
  if (before !== undefined && kind === 'statefulsets.apps') {
    const rest = (from: JsonMap): JsonMap =>
      Object.fromEntries(Object.entries(from).filter(([name]) => !CHANGES.includes(name)));
    if (!equalJson(rest(before), rest(spec))) return [fieldForbidden('spec', FIXED)];
  }
  const problems = [
    ...notNegative('spec.replicas', spec.replicas),
    ...selection(kind, spec),
    ...(before !== undefined && !equalJson(before.selector, spec.selector)
      ? [invalid('spec.selector', spec.selector, 'field is immutable')]
      : []),
    ...notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...notNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ];
  if (kind === 'deployments.apps') return [...problems, ...deployment(spec)];
  if (kind === 'daemonsets.apps') return [...problems, ...daemonSet(mapOf(spec.updateStrategy))];
  return kind === 'statefulsets.apps' ? [...problems, ...statefulSet(spec)] : problems;
}

/** The selector, and the template that it must find. A selector that is none hides what is wrong with the template. */
function selection(kind: Workload, spec: JsonMap): FieldProblem[] {
  const { selector } = spec;
  const problems = selectorProblems('spec.selector', selector);
  const daemons = kind === 'daemonsets.apps';
  if (!isMap(selector)) {
    if (!daemons) problems.push(required('spec.selector'));
  } else if (Object.keys(selector).length === 0) {
    problems.push(invalid('spec.selector', {}, `empty selector is invalid for ${CALLED[kind]}`));
    return problems;
  }
  const labels = mapOf(mapOf(spec.template).metadata).labels;
  const finds = selectorFinds(selector, mapOf(labels));
  if (finds === undefined) {
    if (daemons) return problems;
    const text = kind === 'statefulsets.apps' ? '' : 'invalid label selector';
    return [...problems, invalid('spec.selector', selector, text)];
  }
  if (!finds) {
    const text = '`selector` does not match template `labels`';
    problems.push(invalid('spec.template.metadata.labels', labels ?? null, text));
  }
  const pod = mapOf(mapOf(spec.template).spec);
  const policy = textOf(pod.restartPolicy);
  return [
    ...problems,
    ...podSpecProblems('spec.template.spec', pod),
    ...(policy === '' || policy === 'Always'
      ? []
      : [unsupported('spec.template.spec.restartPolicy', policy, ['Always'])]),
  ];
}

/** A strategy in the words of the internal type. */
const shown = ({ type, rollingUpdate }: JsonMap): object => ({ Type: type, RollingUpdate: rollingUpdate ?? null });

function deployment(spec: JsonMap): FieldProblem[] {
  const field = 'spec.strategy';
  const strategy = mapOf(spec.strategy);
  const rolling = mapOf(strategy.rollingUpdate);
  const problems: FieldProblem[] = [];
  if (strategy.type === 'Recreate') {
    const text = "may not be specified when strategy `type` is 'Recreate'";
    if (strategy.rollingUpdate !== undefined) problems.push(fieldForbidden(`${field}.rollingUpdate`, text));
  } else if (textOf(strategy.type) === '' || strategy.type === 'RollingUpdate') {
    const { maxSurge, maxUnavailable } = rolling;
    problems.push(...countOrPercent(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable, false));
    problems.push(...countOrPercent(`${field}.rollingUpdate.maxSurge`, maxSurge, false));
    if (isNone(maxSurge) && isNone(maxUnavailable)) {
      const at = `${field}.rollingUpdate.maxUnavailable`;
      problems.push(invalid(at, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
    }
    if (typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100) {
      problems.push(invalid(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable, 'must not be greater than 100%'));
    }
  } else problems.push(unsupported(field, shown(strategy), ['Recreate', 'RollingUpdate']));
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  if (typeof deadline === 'number' && typeof minReadySeconds === 'number' && deadline <= minReadySeconds) {
    problems.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return problems;
}

const isNone = (value: unknown): boolean => value === 0 || value === '0%';

function daemonSet(strategy: JsonMap): FieldProblem[] {
  const field = 'spec.updateStrategy';
  if (strategy.type === 'OnDelete') return [];
  if (textOf(strategy.type) !== '' && strategy.type !== 'RollingUpdate') {
    return [unsupported(field, shown(strategy), ['RollingUpdate', 'OnDelete'])];
  }
  const { maxUnavailable, maxSurge } = mapOf(strategy.rollingUpdate);
  const at = `${field}.rollingUpdate`;
  const problems = [
    ...countOrPercent(`${at}.maxUnavailable`, maxUnavailable),
    ...countOrPercent(`${at}.maxSurge`, maxSurge),
  ];
  const surges = maxSurge !== undefined && !isNone(maxSurge);
  if (surges && maxUnavailable !== undefined && !isNone(maxUnavailable)) {
    problems.push(invalid(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  } else if (!surges && isNone(maxUnavailable)) {
    problems.push(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  }
  return problems;
}

function statefulSet({ podManagementPolicy: policy, updateStrategy }: JsonMap): FieldProblem[] {
  const strategy = mapOf(updateStrategy);
  const known = ['', 'RollingUpdate', 'OnDelete'].includes(textOf(strategy.type));
  return [
    ...(['', 'OrderedReady', 'Parallel'].includes(textOf(policy))
      ? []
      : [invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")]),
    ...(known ? [] : [invalid('spec.updateStrategy', shown(strategy), "must be 'RollingUpdate' or 'OnDelete'")]),
  ];
}
