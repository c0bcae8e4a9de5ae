/**
 * Columns and cells of the kinds that a rehearsal seldom looks at (kubernetes pkg/printers/internalversion/printers.go).
 * Columns as a real API server 1.34 sends them, without descriptions.
 */
import type { KubeObject } from '../../kube/objects.ts';
import { mapOf, mapsOf, textOf } from './field-rules.ts';
import type { JsonMap } from './json.ts';

export interface Other {
  /** Such as `Role, Age, *Users`: names after `Name`; `*`: only with -o wide; `#`: an integer, `?`: a boolean, `@`: a date. */
  readonly columns: string;
  readonly cells: (object: KubeObject, age: string, now: number) => unknown[];
}

const spec = (object: KubeObject): JsonMap => mapOf(object.spec);
const status = (object: KubeObject): JsonMap => mapOf(object.status);
const orNone = (text: string): string => (text === '' ? '<none>' : text);
const orUnset = (value: unknown): unknown => value ?? '<unset>';
const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function containers(pod: unknown): [names: string, images: string] {
  const list = mapsOf(mapOf(pod).containers);
  return [list.map((one) => textOf(one.name)).join(','), list.map((one) => textOf(one.image)).join(',')];
}

const pairs = (labels: unknown): string =>
  Object.entries(mapOf(labels))
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join(',');

/** Of kinds that the printers do not know: the time of creation, not the age. */
export const UNKNOWN: Other = {
  columns: '@Created At',
  cells: ({ metadata }) => [metadata.creationTimestamp],
};

const binding: Other = {
  columns: 'Role, Age, *Users, *Groups, *ServiceAccounts',
  cells: (object, age) => {
    const { kind, name } = mapOf(object.roleRef);
    const subjects = (wanted: string): string =>
      mapsOf(object.subjects)
        .filter((one) => one.kind === wanted)
        .map((one) => (wanted === 'ServiceAccount' ? `${textOf(one.namespace)}/${textOf(one.name)}` : textOf(one.name)))
        .join(', ');
    const who = ['User', 'Group', 'ServiceAccount'].map(subjects);
    return [`${textOf(kind)}/${textOf(name)}`, age, ...who];
  },
};

const webhooks: Other = { columns: '#Webhooks, Age', cells: ({ webhooks: list }, age) => [lengthOf(list), age] };

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const modes = (value: unknown): string =>
  texts(value)
    .map((mode) => MODES[mode] ?? '')
    .join(',');

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

/** `10m/1, 5`: what is used of what is allowed. */
function quotas(object: KubeObject, limits: boolean): string {
  const { hard, used } = status(object);
  return Object.keys(mapOf(hard))
    .filter((name) => (name === 'limits' || name.startsWith('limits.')) === limits)
    .sort()
    .map((name) => `${name}: ${String(mapOf(used)[name] ?? '0')}/${String(mapOf(hard)[name])}`)
    .join(', ');
}

function certificate(object: KubeObject): string {
  const types = mapsOf(status(object).conditions).map((one) => textOf(one.type));
  const word = ['Denied', 'Approved', 'Failed'].filter((type) => types.includes(type));
  const state = word.length === 0 ? 'Pending' : word.join(',');
  return textOf(status(object).certificate) === '' ? state : `${state},Issued`;
}

export const OTHERS: Readonly<Record<string, Other>> = {
  endpoints: {
    columns: 'Endpoints, Age',
    cells: (object, age) => {
      const all = mapsOf(object.subsets).flatMap(({ addresses, ports }) => {
        const list = mapsOf(addresses).map((one) => textOf(one.ip));
        const numbers = mapsOf(ports).map((port) => String(port.port));
        return numbers.length === 0 ? list : numbers.flatMap((port) => list.map((ip) => `${ip}:${port}`));
      });
      const more = all.length > 3 ? ` + ${all.length - 3} more...` : '';
      return [orNone(all.slice(0, 3).join(',')) + more, age];
    },
  },
  'roles.rbac.authorization.k8s.io': UNKNOWN,
  'clusterroles.rbac.authorization.k8s.io': UNKNOWN,
  'rolebindings.rbac.authorization.k8s.io': binding,
  'clusterrolebindings.rbac.authorization.k8s.io': binding,
  'storageclasses.storage.k8s.io': {
    columns: 'Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age',
    cells: (object, age) => [
      textOf(object.provisioner),
      object.reclaimPolicy ?? 'Delete',
      object.volumeBindingMode ?? 'Immediate',
      object.allowVolumeExpansion === true,
      age,
    ],
  },
  'priorityclasses.scheduling.k8s.io': {
    columns: '#Value, ?Global-Default, Age, PreemptionPolicy',
    cells: (object, age) => [
      numberOf(object.value),
      object.globalDefault === true,
      age,
      object.preemptionPolicy ?? 'PreemptLowerPriority',
    ],
  },
  'csinodes.storage.k8s.io': {
    columns: '#Drivers, Age',
    cells: (object, age) => [lengthOf(spec(object).drivers), age],
  },
  'csidrivers.storage.k8s.io': {
    columns: '?AttachRequired, ?PodInfoOnMount, ?StorageCapacity, TokenRequests, ?RequiresRepublish, Modes, Age',
    cells: (object, age) => {
      const { tokenRequests, volumeLifecycleModes, ...rest } = spec(object);
      const audiences = mapsOf(tokenRequests).map((one) => textOf(one.audience));
      return [
        rest.attachRequired ?? true,
        rest.podInfoOnMount ?? false,
        rest.storageCapacity ?? false,
        audiences.length === 0 ? '<unset>' : audiences.join(','),
        rest.requiresRepublish ?? false,
        lengthOf(volumeLifecycleModes) === 0 ? '<none>' : texts(volumeLifecycleModes).join(','),
        age,
      ];
    },
  },
  'volumeattachments.storage.k8s.io': {
    columns: 'Attacher, PV, Node, ?Attached, Age',
    cells: (object, age) => {
      const { attacher, source, nodeName } = spec(object);
      const volume = textOf(mapOf(source).persistentVolumeName);
      return [textOf(attacher), volume, textOf(nodeName), status(object).attached === true, age];
    },
  },
  persistentvolumes: {
    columns:
      'Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, *VolumeMode',
    cells: (object, age) => {
      const { capacity, accessModes, claimRef, ...rest } = spec(object);
      const claim = mapOf(claimRef);
      return [
        textOf(mapOf(capacity).storage),
        modes(accessModes),
        textOf(rest.persistentVolumeReclaimPolicy),
        textOf(status(object).phase),
        textOf(claim.name) === '' ? '' : `${textOf(claim.namespace)}/${textOf(claim.name)}`,
        textOf(rest.storageClassName),
        orUnset(rest.volumeAttributesClassName),
        textOf(status(object).reason),
        age,
        orUnset(rest.volumeMode),
      ];
    },
  },
  persistentvolumeclaims: {
    columns: 'Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, *VolumeMode',
    cells: (object, age) => {
      const { volumeName, storageClassName, volumeAttributesClassName, volumeMode } = spec(object);
      const bound = textOf(volumeName) !== '';
      return [
        object.metadata.deletionTimestamp === undefined ? textOf(status(object).phase) : 'Terminating',
        textOf(volumeName),
        bound ? textOf(mapOf(status(object).capacity).storage) : '',
        bound ? modes(status(object).accessModes) : '',
        textOf(storageClassName),
        orUnset(volumeAttributesClassName),
        age,
        orUnset(volumeMode),
      ];
    },
  },
  'jobs.batch': {
    columns: 'Status, Completions, Duration, Age, *Containers, *Images, *Selector',
    cells: (object, age) => {
      const { completions, parallelism, template, selector, suspend } = spec(object);
      const { succeeded, startTime } = status(object);
      const many = numberOf(parallelism) > 1 ? `1 of ${String(parallelism)}` : '1';
      return [
        suspend === true ? 'Suspended' : 'Running',
        `${numberOf(succeeded)}/${completions === undefined ? many : String(completions)}`,
        startTime === undefined ? '' : age,
        age,
        ...containers(mapOf(template).spec),
        pairs(mapOf(selector).matchLabels),
      ];
    },
  },
  'cronjobs.batch': {
    columns: 'Schedule, Timezone, ?Suspend, #Active, Last Schedule, Age, *Containers, *Images, *Selector',
    cells: (object, age) => {
      const { schedule, timeZone, suspend, jobTemplate } = spec(object);
      const job = mapOf(mapOf(jobTemplate).spec);
      return [
        textOf(schedule),
        timeZone ?? '<none>',
        suspend === true,
        lengthOf(status(object).active),
        '<none>',
        age,
        ...containers(mapOf(job.template).spec),
        orNone(pairs(mapOf(job.selector).matchLabels)),
      ];
    },
  },
  'horizontalpodautoscalers.autoscaling': {
    columns: 'Reference, Targets, MinPods, MaxPods, Replicas, Age',
    cells: (object, age) => {
      const { scaleTargetRef, minReplicas, maxReplicas, metrics } = spec(object);
      const { kind, name } = mapOf(scaleTargetRef);
      const targets = mapsOf(metrics).flatMap(({ resource }) => {
        const { averageUtilization: percent } = mapOf(mapOf(resource).target);
        return percent === undefined ? [] : [`${textOf(mapOf(resource).name)}: <unknown>/${String(percent)}%`];
      });
      const least = minReplicas === undefined ? '<unset>' : String(minReplicas);
      const replicas = numberOf(status(object).currentReplicas);
      return [`${textOf(kind)}/${textOf(name)}`, orNone(targets.join(', ')), least, maxReplicas, replicas, age];
    },
  },
  'ingresses.networking.k8s.io': {
    columns: 'Class, Hosts, Address, Ports, Age',
    cells: (object, age) => {
      const { ingressClassName, rules, tls } = spec(object);
      const hosts = mapsOf(rules).map((rule) => textOf(rule.host) || '*');
      const more = hosts.length > 3 ? ` + ${hosts.length - 3} more...` : '';
      const shown = `${hosts.slice(0, 3).join(',')}${more}`;
      return [ingressClassName ?? '<none>', shown === '' ? '*' : shown, '', lengthOf(tls) > 0 ? '80, 443' : '80', age];
    },
  },
  'ingressclasses.networking.k8s.io': {
    columns: 'Controller, Parameters, Age',
    cells: (object, age) => {
      const { controller, parameters } = spec(object);
      const { kind, apiGroup, name } = mapOf(parameters);
      const group = textOf(apiGroup) === '' ? '' : `.${textOf(apiGroup)}`;
      return [textOf(controller), parameters === undefined ? '<none>' : `${textOf(kind)}${group}/${textOf(name)}`, age];
    },
  },
  'runtimeclasses.node.k8s.io': { columns: 'Handler, Age', cells: (object, age) => [textOf(object.handler), age] },
  limitranges: UNKNOWN,
  resourcequotas: {
    columns: 'Request, Limit, Age',
    cells: (object, age) => [quotas(object, false), quotas(object, true), age],
  },
  podtemplates: {
    columns: 'Containers, Images, Pod Labels',
    cells: ({ template }) => [
      ...containers(mapOf(template).spec),
      orNone(pairs(mapOf(mapOf(template).metadata).labels)),
    ],
  },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhooks,
  'validatingadmissionpolicies.admissionregistration.k8s.io': {
    columns: '#Validations, ParamKind, Age',
    cells: (object, age) => {
      const { validations, paramKind } = spec(object);
      const { apiVersion, kind } = mapOf(paramKind);
      return [
        lengthOf(validations),
        paramKind === undefined ? '<unset>' : `${textOf(apiVersion)}/${textOf(kind)}`,
        age,
      ];
    },
  },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': {
    columns: 'PolicyName, ParamRef, Age',
    cells: (object, age) => {
      const { policyName, paramRef } = spec(object);
      const { namespace, name } = mapOf(paramRef);
      const shown = textOf(namespace) === '' ? textOf(name) : `${textOf(namespace)}/${textOf(name)}`;
      return [textOf(policyName), paramRef === undefined ? '<unset>' : shown, age];
    },
  },
  'certificatesigningrequests.certificates.k8s.io': {
    columns: 'Age, SignerName, Requestor, RequestedDuration, Condition',
    cells: (object, age) => {
      const { signerName, username } = spec(object);
      return [age, textOf(signerName), textOf(username), '<none>', certificate(object)];
    },
  },
};

/** The name as a row shows it: the default StorageClass says that it is. */
export function rowName({ kind, metadata }: KubeObject): string {
  const isDefault = kind === 'StorageClass' && metadata.annotations?.[DEFAULT_CLASS] === 'true';
  return isDefault ? `${metadata.name} (default)` : metadata.name;
}
