/** What a pod spec must look like, and what of a pod may change (kubernetes pkg/apis/core/validation). Texts as recorded. */
import { type ContainerScope, containerProblems } from './container-validation.ts';
import { all, between, labelMap, mapOf, mapsOf, named, oneOf, selectorProblems, textOf } from './field-rules.ts';
import { equalJson, isMap, type JsonMap } from './json.ts';
import { labelKeyProblems, labelValueProblems, SUBDOMAIN } from './names.ts';
import { duplicate, type FieldProblem, fieldForbidden, invalid, required, unsupported } from './status.ts';

const POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
export const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
/** Fields of a volume that are no source. */
const VOLUME_FIELDS = new Set(['name']);

/** @param field such as `spec` or `spec.template.spec` */
export function podSpecProblems(field: string, spec: JsonMap): FieldProblem[] {
  const volumes = mapsOf(spec.volumes);
  const scope: ContainerScope = {
    volumes: new Set(volumes.map((one) => one.name)),
    hostNetwork: spec.hostNetwork === true,
    names: new Set(),
  };
  const containers = mapsOf(spec.containers);
  return [
    ...volumeProblems(`${field}.volumes`, volumes),
    ...(containers.length === 0 ? [required(`${field}.containers`)] : []),
    ...['containers', 'initContainers'].flatMap((list) =>
      mapsOf(spec[list]).flatMap((one, index) => containerProblems(`${field}.${list}[${index}]`, one, scope)),
    ),
    ...oneOf(`${field}.restartPolicy`, spec.restartPolicy, POLICIES),
    ...oneOf(`${field}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES),
    ...labelMap(`${field}.nodeSelector`, spec.nodeSelector),
    ...affinityProblems(`${field}.affinity`, mapOf(spec.affinity)),
    ...mapsOf(spec.topologySpreadConstraints).flatMap((one, index) =>
      spreadProblems(`${field}.topologySpreadConstraints[${index}]`, one),
    ),
    ...optional(`${field}.serviceAccountName`, spec.serviceAccountName, SUBDOMAIN),
    ...optional(`${field}.nodeName`, spec.nodeName, SUBDOMAIN),
    ...between(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1),
    ...optional(`${field}.hostname`, spec.hostname),
    ...optional(`${field}.subdomain`, spec.subdomain),
    ...mapsOf(spec.tolerations).flatMap((one, index) => tolerationProblems(`${field}.tolerations[${index}]`, one)),
  ];
}

const optional = (field: string, value: unknown, rule?: typeof SUBDOMAIN): FieldProblem[] =>
  textOf(value) === '' ? [] : named(field, value, rule);

/** What a source of a volume cannot be without. */
const VOLUME_NEEDS: Readonly<Record<string, string>> = {
  configMap: 'name',
  hostPath: 'path',
  secret: 'secretName',
  persistentVolumeClaim: 'claimName',
};

function volumeProblems(field: string, volumes: readonly JsonMap[]): FieldProblem[] {
  const names = new Set<unknown>();
  return volumes.flatMap((volume, index) => {
    const at = `${field}[${index}]`;
    const sources = Object.keys(volume)
      .filter((name) => !VOLUME_FIELDS.has(name))
      .sort(bySource);
    const again = names.has(volume.name);
    names.add(volume.name);
    return [
      ...sources.slice(1).map((source) => fieldForbidden(`${at}.${source}`, 'may not specify more than 1 volume type')),
      ...Object.entries(VOLUME_NEEDS).flatMap(([source, need]) =>
        volume[source] !== undefined && textOf(mapOf(volume[source])[need]) === ''
          ? [required(`${at}.${source}.${need}`)]
          : [],
      ),
      ...named(`${at}.name`, volume.name),
      ...(again ? [duplicate(`${at}.name`, volume.name)] : []),
    ];
  });
}

/** emptyDir is looked at first, so that what stands beside it is the one too many. */
const bySource = (a: string, b: string): number =>
  Number(b === 'emptyDir') - Number(a === 'emptyDir') || (a < b ? -1 : 1);

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

function affinityProblems(field: string, affinity: JsonMap): FieldProblem[] {
  const wanted = mapOf(affinity.nodeAffinity)[REQUIRED];
  const problems: FieldProblem[] = [];
  if (isMap(wanted) && mapsOf(wanted.nodeSelectorTerms).length === 0) {
    const at = `${field}.nodeAffinity.${REQUIRED}.nodeSelectorTerms`;
    problems.push(required(at, 'must have at least one node selector term'));
  }
  for (const kind of ['podAffinity', 'podAntiAffinity']) {
    for (const [index, term] of mapsOf(mapOf(affinity[kind])[REQUIRED]).entries()) {
      const at = `${field}.${kind}.${REQUIRED}[${index}]`;
      problems.push(...selectorProblems(`${at}.labelSelector`, term.labelSelector));
      if (textOf(term.topologyKey) === '') problems.push(required(`${at}.topologyKey`, 'can not be empty'));
      problems.push(...all(`${at}.topologyKey`, textOf(term.topologyKey), labelKeyProblems(textOf(term.topologyKey))));
    }
  }
  return problems;
}

function spreadProblems(field: string, { maxSkew, topologyKey, whenUnsatisfiable }: JsonMap): FieldProblem[] {
  const how = ['DoNotSchedule', 'ScheduleAnyway'];
  return [
    ...(typeof maxSkew === 'number' && maxSkew <= 0
      ? [invalid(`${field}.maxSkew`, maxSkew, 'must be greater than zero')]
      : []),
    ...(textOf(topologyKey) === '' ? [required(`${field}.topologyKey`, 'can not be empty')] : []),
    ...(how.includes(textOf(whenUnsatisfiable))
      ? []
      : [unsupported(`${field}.whenUnsatisfiable`, textOf(whenUnsatisfiable), how)]),
  ];
}

function tolerationProblems(field: string, toleration: JsonMap): FieldProblem[] {
  const { key, operator, value, effect, tolerationSeconds } = toleration;
  const problems = textOf(key) === '' ? [] : all(`${field}.key`, key, labelKeyProblems(textOf(key)));
  if (textOf(key) === '' && operator !== 'Exists') {
    const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    problems.push(invalid(`${field}.operator`, textOf(operator), text));
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    const text = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    problems.push(invalid(`${field}.effect`, textOf(effect), text));
  }
  if (operator === 'Exists') {
    const text = "value must be empty when `operator` is 'Exists'";
    if (textOf(value) !== '') problems.push(invalid(`${field}.operator`, value, text));
  } else if (textOf(operator) === '' || operator === 'Equal') {
    problems.push(...all(`${field}.operator`, value, labelValueProblems(textOf(value))));
  } else problems.push(unsupported(`${field}.operator`, operator, ['Equal', 'Exists']));
  return [...problems, ...oneOf(`${field}.effect`, effect, EFFECTS)];
}

const FIXED =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** What an update of a pod changes although it may not. */
export function podUpdateProblems(before: JsonMap, after: JsonMap): FieldProblem[] {
  for (const list of ['containers', 'initContainers']) {
    if (mapsOf(before[list]).length !== mapsOf(after[list]).length) {
      return [fieldForbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
  }
  const problems = ['containers', 'initContainers'].flatMap((list) =>
    mapsOf(after[list]).flatMap(({ image }, index) =>
      textOf(image) === '' ? [required(`spec.${list}[${index}].image`)] : [],
    ),
  );
  problems.push(...deadlineProblems(before.activeDeadlineSeconds, after.activeDeadlineSeconds));
  const gated = mapsOf(before.schedulingGates).length > 0;
  const same = equalJson(fixedPart(before, gated), fixedPart(after, gated)) && keepsTolerations(before, after);
  return same ? problems : [...problems, fieldForbidden('spec', FIXED)];
}

/** A deadline may only come nearer. */
function deadlineProblems(before: unknown, after: unknown): FieldProblem[] {
  const field = 'spec.activeDeadlineSeconds';
  if (typeof before !== 'number') return between(field, after, 1);
  if (after === undefined) return [invalid(field, null, 'must not update from a positive integer to nil value')];
  if (typeof after === 'number' && after > before) {
    return [invalid(field, after, 'must be less than or equal to previous value')];
  }
  return between(field, after, 1);
}

/** A pod that no scheduler has seen yet may still be given gates' removal and a narrower choice of nodes. */
function fixedPart(spec: JsonMap, gated: boolean): JsonMap {
  const { activeDeadlineSeconds: _a, tolerations: _b, terminationGracePeriodSeconds: _c, ...rest } = spec;
  const withoutImages = (list: unknown): unknown => mapsOf(list).map(({ image: _image, ...container }) => container);
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
  mapsOf(before.tolerations).every((one) => mapsOf(after.tolerations).some((other) => equalJson(one, other)));
