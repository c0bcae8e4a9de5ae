/** What Services must look like (kubernetes pkg/apis/core/validation, ValidateService). Texts as recorded. */
import { isIPv4, isIPv6 } from 'node:net';
import { PROTOCOLS } from './container-validation.ts';
import { between, mapsOf, named, oneOf, portNumberOrName, textOf } from './field-rules.ts';
import type { JsonMap } from './json.ts';
import { duplicate, type FieldProblem, fieldForbidden, invalid, required } from './status.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

export function serviceProblems(spec: JsonMap, before: JsonMap | undefined): FieldProblem[] {
  const { type, clusterIP, externalName, externalTrafficPolicy, sessionAffinity } = spec;
  const external = type === 'ExternalName';
  const ports = mapsOf(spec.ports);
  const problems: FieldProblem[] = [];
  if (ports.length === 0 && !external && clusterIP !== 'None') problems.push(required('spec.ports'));
  problems.push(
    ...ports.flatMap((port, index) =>
      portProblems(`spec.ports[${index}]`, port, ports.slice(0, index), ports.length > 1),
    ),
  );
  problems.push(...oneOf('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']));
  problems.push(...oneOf('spec.type', type, TYPES));
  const asked = textOf(clusterIP);
  if (asked !== '' && asked !== 'None' && !isIPv4(asked) && !isIPv6(asked)) {
    const text = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    problems.push(invalid('spec.clusterIPs[0]', asked, text));
  }
  if (type === 'ClusterIP') {
    for (const [index, { nodePort }] of ports.entries()) {
      if (typeof nodePort !== 'number' || nodePort === 0 || before !== undefined) continue;
      problems.push(fieldForbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  problems.push(...twice(ports));
  if (external && textOf(externalName) === '') problems.push(required('spec.externalName'));
  if (textOf(externalTrafficPolicy) !== '' && type !== 'NodePort' && type !== 'LoadBalancer') {
    const text = 'may only be set for externally-accessible services';
    problems.push(invalid('spec.externalTrafficPolicy', externalTrafficPolicy, text));
  }
  const old = textOf(before?.clusterIP);
  if (old !== '' && !external && before?.type !== 'ExternalName' && asked !== old) {
    problems.push(invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [asked], 'may not change once set'));
  }
  return problems;
}

function portProblems(field: string, port: JsonMap, earlier: readonly JsonMap[], naming: boolean): FieldProblem[] {
  const { name, protocol, targetPort } = port;
  const isNamed = textOf(name) !== '';
  return [
    ...(naming || isNamed ? named(`${field}.name`, name) : []),
    ...(isNamed && earlier.some((one) => one.name === name) ? [duplicate(`${field}.name`, name)] : []),
    ...between(`${field}.port`, port.port, 1, 65_535),
    ...oneOf(`${field}.protocol`, protocol, PROTOCOLS),
    ...portNumberOrName(`${field}.targetPort`, targetPort),
  ];
}

/** Two ports of one number and protocol, in the words of the internal type. */
function twice(ports: readonly JsonMap[]): FieldProblem[] {
  return ports.flatMap((port, index) => {
    const { name, protocol = 'TCP', appProtocol = null } = port;
    const same = ports.slice(0, index).some((one) => one.port === port.port && (one.protocol ?? 'TCP') === protocol);
    const shown = {
      Name: textOf(name),
      Protocol: protocol,
      AppProtocol: appProtocol,
      Port: port.port,
      // The check looks at these two only (ValidateService, portsPath Duplicate).
      TargetPort: 0,
      NodePort: 0,
    };
    return same ? [duplicate(`spec.ports[${index}]`, shown)] : [];
  });
}
