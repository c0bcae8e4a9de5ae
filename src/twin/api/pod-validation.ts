/** What a pod spec must look like, and what of a pod may change (kubernetes pkg/apis/core/validation). Texts as recorded. */
import { equalJson, isMap, type JsonMap } from './json.ts';
import { type FieldProblem, fieldForbidden, invalid, required, unsupported } from './status.ts';

const maps = (value: unknown): JsonMap[] => (Array.isArray(value) ? value.filter(isMap) : []);

const POLICIES = ['Always', 'OnFailure', 'Never'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
/** Fields of a volume that are no source. */
const VOLUME_FIELDS = new Set(['name']);

/** @param field such as `spec` or `spec.template.spec` */
export function podSpecProblems(field: string, spec: JsonMap): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [index, volume] of maps(spec.volumes).entries()) {
    const sources = Object.keys(volume).filter((name) => !VOLUME_FIELDS.has(name));
    for (const source of sources.sort(bySource).slice(1)) {
      const text = 'may not specify more than 1 volume type';
      problems.push(fieldForbidden(`${field}.volumes[${index}].${source}`, text));
    }
  }
  const containers = maps(spec.containers);
  if (containers.length === 0) problems.push(required(`${field}.containers`));
  const names = new Set<unknown>();
  for (const [index, container] of containers.entries()) {
    problems.push(...containerProblems(`${field}.containers[${index}]`, container, names));
  }
  for (const [index, container] of maps(spec.initContainers).entries()) {
    problems.push(...containerProblems(`${field}.initContainers[${index}]`, container, names));
  }
  const policy = spec.restartPolicy;
  if (typeof policy === 'string' && !POLICIES.includes(policy)) {
    problems.push(unsupported(`${field}.restartPolicy`, policy, POLICIES));
  }
  return problems;
}

/** emptyDir is looked at first, so that what stands beside it is the one too many. */
const bySource = (a: string, b: string): number =>
  Number(b === 'emptyDir') - Number(a === 'emptyDir') || (a < b ? -1 : 1);

function containerProblems(field: string, container: JsonMap, names: Set<unknown>): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const { name, image, imagePullPolicy } = container;
  if (typeof name !== 'string' || name === '') problems.push(required(`${field}.name`));
  if (typeof image !== 'string' || image === '') problems.push(required(`${field}.image`));
  if (typeof imagePullPolicy === 'string' && !PULL_POLICIES.includes(imagePullPolicy)) {
    problems.push(unsupported(`${field}.imagePullPolicy`, imagePullPolicy, PULL_POLICIES));
  }
  if (names.has(name)) {
    const message = `Duplicate value: ${JSON.stringify(name)}`;
    problems.push({ field: `${field}.name`, reason: 'FieldValueDuplicate', message });
  }
  names.add(name);
  for (const [index, variable] of maps(container.env).entries()) {
    if (variable.valueFrom === undefined || variable.value === undefined || variable.value === '') continue;
    const text = 'may not be specified when `value` is not empty';
    problems.push(invalid(`${field}.env[${index}].valueFrom`, '', text));
  }
  return problems;
}

const FIXED =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** What an update of a pod changes although it may not. */
export function podUpdateProblems(before: JsonMap, after: JsonMap): FieldProblem[] {
  const gated = maps(before.schedulingGates).length > 0;
  if (equalJson(fixedPart(before, gated), fixedPart(after, gated)) && keepsTolerations(before, after)) return [];
  return [fieldForbidden('spec', FIXED)];
}

/** A pod that no scheduler has seen yet may still be given gates' removal and a narrower choice of nodes. */
function fixedPart(spec: JsonMap, gated: boolean): JsonMap {
  const { activeDeadlineSeconds: _a, tolerations: _b, terminationGracePeriodSeconds: _c, ...rest } = spec;
  const withoutImages = (list: unknown): unknown => maps(list).map(({ image: _image, ...container }) => container);
  const fixed: JsonMap = { ...rest, containers: withoutImages(spec.containers) };
  if (spec.initContainers !== undefined) fixed.initContainers = withoutImages(spec.initContainers);
  delete fixed.schedulingGates;
  if (gated) {
    delete fixed.nodeSelector;
    delete fixed.affinity;
  }
  return fixed;
}

const keepsTolerations = (before: JsonMap, after: JsonMap): boolean =>
  maps(before.tolerations).every((one) => maps(after.tolerations).some((other) => equalJson(one, other)));
