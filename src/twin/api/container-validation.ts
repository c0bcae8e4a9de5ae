/** What a container of a pod must look like (kubernetes pkg/apis/core/validation, validateContainerCommon). Texts as recorded. */
import { all, between, mapOf, mapsOf, named, notNegative, oneOf, portNumberOrName, textOf } from './field-rules.ts';
import type { JsonMap } from './json.ts';
import { labelKeyProblems, portNameProblems } from './names.ts';
import { badRequest, duplicate, type FieldProblem, fieldForbidden, invalid, required } from './status.ts';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

/** What the containers of one list are judged by. */
export interface ContainerScope {
  /** Names of the pod's volumes. */
  readonly volumes: ReadonlySet<unknown>;
  readonly hostNetwork: boolean;
  /** Names of the containers before this one. */
  readonly names: Set<unknown>;
}

export function containerProblems(field: string, container: JsonMap, scope: ContainerScope): FieldProblem[] {
  const { name, image, imagePullPolicy } = container;
  const problems = [
    ...named(`${field}.name`, name),
    ...(textOf(image) === '' ? [required(`${field}.image`)] : []),
    ...portProblems(`${field}.ports`, mapsOf(container.ports), scope.hostNetwork),
    ...mapsOf(container.env).flatMap((one, index) => variableProblems(`${field}.env[${index}]`, one)),
    ...mountProblems(`${field}.volumeMounts`, mapsOf(container.volumeMounts), scope.volumes),
    ...oneOf(`${field}.imagePullPolicy`, imagePullPolicy, PULL_POLICIES),
    ...resourceProblems(`${field}.resources`, mapOf(container.resources)),
    ...securityProblems(`${field}.securityContext`, mapOf(container.securityContext)),
    ...(scope.names.has(name) ? [duplicate(`${field}.name`, name)] : []),
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((probe) =>
      container[probe] === undefined ? [] : probeProblems(`${field}.${probe}`, mapOf(container[probe]), probe),
    ),
  ];
  scope.names.add(name);
  return problems;
}

function portProblems(field: string, ports: readonly JsonMap[], hostNetwork: boolean): FieldProblem[] {
  const names = new Set<unknown>();
  return ports.flatMap((port, index) => {
    const at = `${field}[${index}]`;
    const { name, containerPort, hostPort, protocol } = port;
    const wrong = textOf(name) === '' ? [] : all(`${at}.name`, name, portNameProblems(textOf(name)));
    const again = wrong.length === 0 && textOf(name) !== '' && names.has(name);
    names.add(name);
    const onHost = typeof hostPort === 'number' && hostPort !== 0;
    return [
      ...wrong,
      ...(again ? [duplicate(`${at}.name`, name)] : []),
      ...(containerPort === 0 || containerPort === undefined
        ? [required(`${at}.containerPort`)]
        : between(`${at}.containerPort`, containerPort, 1, 65_535)),
      ...(onHost ? between(`${at}.hostPort`, hostPort, 1, 65_535) : []),
      ...oneOf(`${at}.protocol`, protocol, PROTOCOLS),
      ...(hostNetwork && onHost && hostPort !== containerPort
        ? [invalid(`${at}.hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true')]
        : []),
    ];
  });
}

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef'];

function variableProblems(field: string, { name, value, valueFrom }: JsonMap): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (textOf(name) === '') problems.push(required(`${field}.name`));
  else if (!/^[ -<>-~]+$/.test(textOf(name))) {
    const text = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    problems.push(invalid(`${field}.name`, name, text));
  }
  if (valueFrom === undefined) return problems;
  const given = SOURCES.filter((source) => mapOf(valueFrom)[source] !== undefined);
  const wrong = (text: string) => problems.push(invalid(`${field}.valueFrom`, '', text));
  if (given.length === 0) {
    wrong('must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`');
  } else if (textOf(value) !== '') wrong('may not be specified when `value` is not empty');
  else if (given.length > 1) wrong('may not have more than one field specified at a time');
  return problems;
}

function mountProblems(field: string, mounts: readonly JsonMap[], volumes: ReadonlySet<unknown>): FieldProblem[] {
  const paths = new Set<unknown>();
  return mounts.flatMap(({ name, mountPath }, index) => {
    const at = `${field}[${index}]`;
    const again = paths.has(mountPath);
    paths.add(mountPath);
    return [
      ...(textOf(name) === '' ? [required(`${at}.name`)] : []),
      ...(volumes.has(name)
        ? []
        : [
            {
              field: `${at}.name`,
              reason: 'FieldValueNotFound',
              message: `Not found: ${JSON.stringify(name)}`,
            } as const,
          ]),
      ...(textOf(mountPath) === '' ? [required(`${at}.mountPath`)] : []),
      ...(again ? [invalid(`${at}.mountPath`, mountPath, 'must be unique')] : []),
    ];
  });
}

const QUANTITY = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const STANDARD = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;
const SCALE: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 };
const BINARY: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };

/** A quantity as a number. @throws StatusError 400 for what is none, as decoding a pod does */
function amountOf(value: unknown): number {
  const text = String(value);
  const [, digits = '', suffix = ''] = QUANTITY.exec(text) ?? [];
  if (digits === '') {
    const rule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    throw badRequest(`Pod in version "v1" cannot be handled as a Pod: ${rule}`);
  }
  const power = BINARY[suffix];
  return power !== undefined ? Number(digits) * 1024 ** power : Number(digits) * (SCALE[suffix] ?? 1);
}

function resourceProblems(field: string, resources: JsonMap): FieldProblem[] {
  const limits = mapOf(resources.limits);
  return (['limits', 'requests'] as const).flatMap((part) =>
    Object.entries(mapOf(resources[part])).flatMap(([name, value]) => {
      const at = `${field}.${part}[${name}]`;
      const amount = amountOf(value);
      const qualified = all(at, name, labelKeyProblems(name));
      const plain = name.includes('/') || STANDARD.test(name);
      const texts = [
        'must be a standard resource type or fully qualified',
        'must be a standard resource for containers',
      ];
      const above = part === 'requests' && limits[name] !== undefined && amount > amountOf(limits[name]);
      return [
        ...qualified,
        ...(plain ? [] : all(at, name, texts)),
        ...(amount < 0 ? [invalid(at, value, 'must be greater than or equal to 0')] : []),
        ...(above
          ? [
              invalid(
                `${field}.requests`,
                value,
                `must be less than or equal to ${name} limit of ${String(limits[name])}`,
              ),
            ]
          : []),
      ];
    }),
  );
}

/** The internal type, in whose words one rule shows the whole (pkg/apis/core/types.go, SecurityContext). */
const SECURITY = [
  'capabilities',
  'privileged',
  'seLinuxOptions',
  'windowsOptions',
  'runAsUser',
  'runAsGroup',
  'runAsNonRoot',
  'readOnlyRootFilesystem',
  'allowPrivilegeEscalation',
  'procMount',
  'seccompProfile',
  'appArmorProfile',
];

function securityProblems(field: string, context: JsonMap): FieldProblem[] {
  const { privileged, allowPrivilegeEscalation } = context;
  const contradicts = privileged === true && allowPrivilegeEscalation === false;
  const capital = (name: string): string =>
    name === 'seLinuxOptions' ? 'SELinuxOptions' : `${name[0]!.toUpperCase()}${name.slice(1)}`;
  const shown = Object.fromEntries(SECURITY.map((name) => [capital(name), context[name] ?? null]));
  return [
    ...between(`${field}.runAsUser`, context.runAsUser, 0),
    ...between(`${field}.runAsGroup`, context.runAsGroup, 0),
    ...(contradicts
      ? [invalid(field, shown, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')]
      : []),
  ];
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];
const SECONDS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'];

function probeProblems(field: string, probe: JsonMap, kind: string): FieldProblem[] {
  const [first, ...more] = HANDLERS.filter((name) => probe[name] !== undefined);
  const http = mapOf(probe.httpGet);
  const { successThreshold } = probe;
  return [
    ...(first === undefined ? [required(field, 'must specify a handler type')] : []),
    ...more.map((name) => fieldForbidden(`${field}.${name}`, 'may not specify more than 1 handler type')),
    ...(probe.httpGet === undefined
      ? []
      : [
          ...(textOf(http.path) === '' ? [required(`${field}.httpGet.path`)] : []),
          ...portNumberOrName(`${field}.httpGet.port`, http.port),
          ...oneOf(`${field}.httpGet.scheme`, http.scheme, ['HTTP', 'HTTPS']),
        ]),
    ...(probe.tcpSocket === undefined ? [] : portNumberOrName(`${field}.tcpSocket.port`, mapOf(probe.tcpSocket).port)),
    ...SECONDS.flatMap((name) => notNegative(`${field}.${name}`, probe[name])),
    ...(kind !== 'readinessProbe' && typeof successThreshold === 'number' && successThreshold > 1
      ? [invalid(`${field}.successThreshold`, successThreshold, 'must be 1')]
      : []),
  ];
}
