/** The cells of Tables: what `kubectl get` prints (kubernetes pkg/printers/internalversion; recorded in files 04 and 12). */
import type { CustomResourceDefinition, KubeObject } from '../../kube/objects.ts';
import { isMap, type JsonMap } from './json.ts';
import { podConditions, podStatus, restartsOf } from './pod-printer.ts';
import { COLUMNS, type Column, NAME } from './printer-columns.ts';
import { OTHERS, type Other, rowName, UNKNOWN } from './printer-others.ts';
import type { ResourceInfo } from './registry.ts';

export interface Printer {
  readonly columns: readonly Column[];
  readonly cells: (object: KubeObject, now: number) => unknown[];
  /** Conditions of a row, by which clients hide what is over. */
  readonly conditions?: (object: KubeObject) => object[];
}

/** Fields of an object without their types; absent ones are empty. */
const mapOf = (value: unknown): JsonMap => (isMap(value) ? value : {});
const listOf = (value: unknown): JsonMap[] => (Array.isArray(value) ? value.filter(isMap) : []);
const spec = (object: KubeObject): JsonMap => mapOf(object.spec);
const status = (object: KubeObject): JsonMap => mapOf(object.status);
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';
const orNone = (text: string): string => (text === '' ? '<none>' : text);

/** `13s`, `5m31s`, `7h`: as apimachinery's duration.HumanDuration. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  if (hours < 192) return hours % 24 === 0 ? `${Math.floor(hours / 24)}d` : `${Math.floor(hours / 24)}d${hours % 24}h`;
  const days = Math.floor(hours / 24);
  if (days < 730) return `${days}d`;
  if (days < 2920) {
    const left = Math.floor((days % 365) / 1);
    return left === 0 ? `${Math.floor(days / 365)}y` : `${Math.floor(days / 365)}y${left}d`;
  }
  return `${Math.floor(days / 365)}y`;
}

export function ageOf(timestamp: unknown, now: number): string {
  const at = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(at) ? '<unknown>' : humanDuration(now - at);
}

function containers(podSpec: unknown): [names: string, images: string] {
  const list = listOf(mapOf(podSpec).containers);
  return [list.map((one) => textOf(one.name)).join(','), list.map((one) => textOf(one.image)).join(',')];
}

const pairs = (labels: unknown): string =>
  Object.entries(mapOf(labels))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${textOf(value)}`)
    .join(',');

function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = mapOf(selector);
  const terms = listOf(matchExpressions).map(({ key, operator, values }) => {
    const set = `(${(Array.isArray(values) ? values : []).join(',')})`;
    if (operator === 'In') return `${textOf(key)} in ${set}`;
    if (operator === 'NotIn') return `${textOf(key)} notin ${set}`;
    return operator === 'Exists' ? textOf(key) : `!${textOf(key)}`;
  });
  const labels = pairs(matchLabels);
  return [...(labels === '' ? [] : [labels]), ...terms].join(',');
}

const template = (object: KubeObject): unknown => mapOf(spec(object).template).spec;

const CELLS: Readonly<Record<string, (object: KubeObject, age: string, now: number) => unknown[]>> = {
  pods: (pod, age, now) => {
    const { ready, total, text } = podStatus(pod);
    const gates = listOf(spec(pod).readinessGates);
    const met = gates.filter((gate) =>
      listOf(status(pod).conditions).some((one) => one.type === gate.conditionType && one.status === 'True'),
    );
    return [
      `${ready}/${total}`,
      text,
      restartsOf(pod, now),
      age,
      orNone(textOf(status(pod).podIP)),
      orNone(textOf(spec(pod).nodeName)),
      orNone(textOf(status(pod).nominatedNodeName)),
      gates.length === 0 ? '<none>' : `${met.length}/${gates.length}`,
    ];
  },
  nodes: (node, age) => {
    const ready = listOf(status(node).conditions).find((one) => one.type === 'Ready');
    const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
    const roles = Object.entries(node.metadata.labels ?? {})
      .flatMap(([key, value]) =>
        key.startsWith('node-role.kubernetes.io/')
          ? [key.slice('node-role.kubernetes.io/'.length)]
          : key === 'kubernetes.io/role' && value !== ''
            ? [value]
            : [],
      )
      .filter((role) => role !== '')
      .sort();
    const address = (type: string): string =>
      textOf(listOf(status(node).addresses).find((one) => one.type === type)?.address);
    const info = mapOf(status(node).nodeInfo);
    const kernel = textOf(info.kernelVersion);
    return [
      spec(node).unschedulable === true ? `${word},SchedulingDisabled` : word,
      orNone(roles.join(',')),
      age,
      textOf(info.kubeletVersion),
      orNone(address('InternalIP')),
      orNone(address('ExternalIP')),
      textOf(info.osImage) === '' ? '<unknown>' : info.osImage,
      kernel === '' ? '<unknown>' : kernel,
      textOf(info.containerRuntimeVersion) === '' ? '<unknown>' : info.containerRuntimeVersion,
    ];
  },
  'daemonsets.apps': (set, age) => {
    const counts = status(set);
    return [
      numberOf(counts.desiredNumberScheduled),
      numberOf(counts.currentNumberScheduled),
      numberOf(counts.numberReady),
      numberOf(counts.updatedNumberScheduled),
      numberOf(counts.numberAvailable),
      orNone(pairs(mapOf(template(set)).nodeSelector)),
      age,
      ...containers(template(set)),
      orNone(selectorText(spec(set).selector)),
    ];
  },
  'deployments.apps': (deployment, age) => [
    `${numberOf(status(deployment).readyReplicas)}/${numberOf(spec(deployment).replicas)}`,
    numberOf(status(deployment).updatedReplicas),
    numberOf(status(deployment).availableReplicas),
    age,
    ...containers(template(deployment)),
    orNone(selectorText(spec(deployment).selector)),
  ],
  'replicasets.apps': (set, age) => [
    numberOf(spec(set).replicas),
    numberOf(status(set).replicas),
    numberOf(status(set).readyReplicas),
    age,
    ...containers(template(set)),
    orNone(selectorText(spec(set).selector)),
  ],
  'statefulsets.apps': (set, age) => [
    `${numberOf(status(set).readyReplicas)}/${numberOf(spec(set).replicas)}`,
    age,
    ...containers(template(set)),
  ],
  'controllerrevisions.apps': (revision, age) => {
    const owner = revision.metadata.ownerReferences?.find((one) => one.controller === true);
    const group = owner?.apiVersion.includes('/') === true ? `.${owner.apiVersion.split('/')[0]}` : '';
    const controller = owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}${group}/${owner.name}`;
    return [controller, numberOf(revision.revision), age];
  },
  services: (service, age) => {
    const { type, clusterIP, ports, selector, externalIPs, externalName } = spec(service);
    const list = listOf(ports).map(({ port, nodePort, protocol }) =>
      numberOf(nodePort) > 0
        ? `${textOf(port)}:${textOf(nodePort)}/${textOf(protocol)}`
        : `${textOf(port)}/${textOf(protocol)}`,
    );
    const external =
      type === 'ExternalName'
        ? textOf(externalName)
        : Array.isArray(externalIPs) && externalIPs.length > 0
          ? externalIPs.join(',')
          : type === 'LoadBalancer'
            ? '<pending>'
            : '<none>';
    return [textOf(type), orNone(textOf(clusterIP)), external, orNone(list.join(',')), age, orNone(pairs(selector))];
  },
  configmaps: (map, age) => [Object.keys(mapOf(map.data)).length + Object.keys(mapOf(map.binaryData)).length, age],
  secrets: (secret, age) => [textOf(secret.type), Object.keys(mapOf(secret.data)).length, age],
  namespaces: (namespace, age) => [textOf(status(namespace).phase), age],
  serviceaccounts: (account, age) => [Array.isArray(account.secrets) ? account.secrets.length : 0, age],
  'leases.coordination.k8s.io': (lease, age) => [textOf(spec(lease).holderIdentity), age],
  'endpointslices.discovery.k8s.io': (slice, age) => [
    textOf(slice.addressType),
    shortened(
      listOf(slice.ports).map((port) => textOf(port.port)),
      '<unset>',
    ),
    shortened(
      listOf(slice.endpoints).flatMap((one) => (Array.isArray(one.addresses) ? one.addresses.map(textOf) : [])),
      '<unset>',
    ),
    age,
  ],
  'poddisruptionbudgets.policy': (budget, age) => [
    spec(budget).minAvailable === undefined ? 'N/A' : textOf(spec(budget).minAvailable),
    spec(budget).maxUnavailable === undefined ? 'N/A' : textOf(spec(budget).maxUnavailable),
    numberOf(status(budget).disruptionsAllowed),
    age,
  ],
  events: (event, _, now) => {
    const first = event.firstTimestamp ?? event.eventTime;
    const last = event.lastTimestamp ?? first;
    const { component, host } = mapOf(event.source);
    const about = mapOf(event.involvedObject);
    const reporter = textOf(component) === '' ? textOf(event.reportingComponent) : textOf(component);
    const instance = textOf(host) === '' ? textOf(event.reportingInstance) : textOf(host);
    return [
      ageOf(last, now),
      textOf(event.type),
      textOf(event.reason),
      `${textOf(about.kind).toLowerCase()}/${textOf(about.name)}`,
      textOf(about.fieldPath),
      instance === '' ? reporter : `${reporter}, ${instance}`,
      textOf(event.message).trim(),
      ageOf(first, now),
      numberOf(mapOf(event.series).count) || numberOf(event.count) || 1,
      event.metadata.name,
    ];
  },
  'apiservices.apiregistration.k8s.io': (service, age) => {
    const { namespace, name } = mapOf(spec(service).service);
    const available = listOf(status(service).conditions).find((one) => one.type === 'Available');
    const word = textOf(available?.status);
    const text =
      available === undefined ? 'Unknown' : word === 'True' ? 'True' : `${word} (${textOf(available.reason)})`;
    return [name === undefined ? 'Local' : `${textOf(namespace)}/${textOf(name)}`, text, age];
  },
  'customresourcedefinitions.apiextensions.k8s.io': (definition) => [definition.metadata.creationTimestamp],
  'networkpolicies.networking.k8s.io': (policy, age) => [orNone(selectorText(spec(policy).podSelector)), age],
};

/** The first three, sorted, and how many more there are. */
function shortened(values: readonly string[], none: string): string {
  if (values.length === 0) return none;
  const sorted = [...new Set(values)].sort();
  const shown = sorted.slice(0, 3).join(',');
  return sorted.length > 3 ? `${shown} + ${sorted.length - 3} more...` : shown;
}

/** What changed with 1.36 (recorded): the architecture beside the kernel, and no count of a ServiceAccount's Secrets. */
const isOlder = ({ minor = 36 }: ResourceInfo): boolean => minor < 36;

const SECRETS: Column = { name: 'Secrets', type: 'string', format: '', description: '', priority: 0 };

function columnsOf(info: ResourceInfo): readonly Column[] | undefined {
  const columns = COLUMNS[info.name];
  if (columns === undefined || info.name !== 'serviceaccounts' || !isOlder(info)) return columns;
  return [NAME, SECRETS, ...columns.slice(1)];
}

function cellsOf(info: ResourceInfo): (typeof CELLS)[string] | undefined {
  const cells = CELLS[info.name];
  if (isOlder(info) || cells === undefined) return cells;
  if (info.name === 'serviceaccounts') return (...given) => cells(...given).slice(1);
  if (info.name !== 'nodes') return cells;
  return (node, age, now) => {
    const row = cells(node, age, now);
    const { architecture } = mapOf(status(node).nodeInfo);
    if (row[KERNEL] !== '<unknown>') row[KERNEL] = `${textOf(row[KERNEL])} (${textOf(architecture)})`;
    return row;
  };
}

/** Place of the kernel in a Node's row after its name. */
const KERNEL = 7;

/** How a resource is printed. */
export function printerOf(info: ResourceInfo, version: string, definition: KubeObject | undefined): Printer {
  const columns = columnsOf(info);
  const cells = cellsOf(info);
  if (columns !== undefined && cells !== undefined) {
    // The name comes first everywhere but in events, which put it last.
    const named = columns[0] === NAME;
    return {
      columns,
      ...(info.name === 'pods' && { conditions: podConditions }),
      cells: (object, now) => {
        const rest = cells(object, ageOf(object.metadata.creationTimestamp, now), now);
        return named ? [object.metadata.name, ...rest] : rest;
      },
    };
  }
  return info.schemas === undefined ? otherPrinter(OTHERS[info.name] ?? UNKNOWN) : customPrinter(version, definition);
}

const KINDS: Readonly<Record<string, Column['type']>> = { '#': 'integer', '?': 'boolean', '@': 'date' };

function otherPrinter({ columns, cells }: Other): Printer {
  return {
    columns: [
      NAME,
      ...columns.split(', ').map((text): Column => {
        const wide = text.startsWith('*');
        const kind = KINDS[text[0]!];
        const name = wide || kind !== undefined ? text.slice(1) : text;
        return { name, type: kind ?? 'string', format: '', description: '', priority: wide ? 1 : 0 };
      }),
    ],
    cells: (object, now) => [rowName(object), ...cells(object, ageOf(object.metadata.creationTimestamp, now), now)],
  };
}

const FALLBACK = [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }];

function customPrinter(version: string, definition: KubeObject | undefined): Printer {
  const versions = (definition as unknown as CustomResourceDefinition | undefined)?.spec.versions ?? [];
  const declared = versions.find((one) => one.name === version)?.additionalPrinterColumns ?? FALLBACK;
  const columns = declared.map(
    (one): Column => ({
      name: one.name,
      type: one.type as Column['type'],
      format: 'format' in one && typeof one.format === 'string' ? one.format : '',
      description:
        'description' in one && typeof one.description === 'string' && one.description !== ''
          ? one.description
          : `Custom resource definition column (in JSONPath format): ${one.jsonPath}`,
      priority: 'priority' in one && typeof one.priority === 'number' ? one.priority : 0,
    }),
  );
  return {
    columns: [NAME, ...columns],
    cells: (object, now) => [
      object.metadata.name,
      ...declared.map(({ jsonPath, type }) => {
        const value = atJsonPath(object, jsonPath);
        if (value === undefined) return type === 'date' ? '<unknown>' : null;
        if (type === 'date') return ageOf(value, now);
        return type === 'string' && typeof value !== 'string' ? JSON.stringify(value) : value;
      }),
    ],
  };
}

/** The simple paths of printer columns: `.a.b`, `.a[0]`, `.a[?(@.type=="Ready")].status`. */
function atJsonPath(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const [, field, index, key, wanted] of path.matchAll(
    /\.([\w-]+|\\.)|\[(\d+)\]|\[\?\(@\.([\w.]+)\s*==\s*["']([^"']*)["']\)\]/g,
  )) {
    if (field !== undefined) value = isMap(value) ? value[field] : undefined;
    else if (index !== undefined) value = Array.isArray(value) ? (value as unknown[])[Number(index)] : undefined;
    else value = listOf(value).find((one) => key !== undefined && one[key] === wanted);
  }
  return value;
}
