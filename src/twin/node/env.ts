/** What a container finds in its environment, and whether the objects that its pod refers to exist. */
import type { ConfigMap, KubeObject, Pod, Secret } from '../../kube/objects.ts';
import type { Machine, World } from '../world.ts';
import type { ContainerSpec } from './pod-spec.ts';

type EnvSource = NonNullable<NonNullable<ContainerSpec['env']>[number]['valueFrom']>;

export type Resolved =
  | { readonly env: Map<string, string>; readonly args: string[] }
  /** Text of CreateContainerConfigError. */
  | { readonly error: string };

/** Resolves `env`, `envFrom`, and `$(NAME)` in values, command and args, in the order of the kubelet. */
export function resolveEnvironment(
  world: World,
  machine: Machine,
  pod: Pod,
  spec: ContainerSpec,
  ip: string,
): Resolved {
  const namespace = pod.metadata.namespace ?? 'default';
  const env = new Map<string, string>([
    ['HOSTNAME', pod.spec?.hostNetwork === true ? machine.name : pod.metadata.name],
  ]);
  const find = <T extends KubeObject>(resource: string, name: string | undefined): T | undefined =>
    world.store.get<T>(resource, name ?? '', namespace);
  for (const from of spec.envFrom ?? []) {
    const reference = from.configMapRef ?? from.secretRef;
    const object = find<ConfigMap>(from.configMapRef ? 'configmaps' : 'secrets', reference?.name);
    if (object === undefined && reference?.optional !== true) {
      return { error: `${from.configMapRef ? 'configmap' : 'secret'} "${reference?.name}" not found` };
    }
    for (const [key, value] of Object.entries(object?.data ?? {})) env.set(`${from.prefix ?? ''}${key}`, value);
  }
  for (const { name, value, valueFrom } of spec.env ?? []) {
    if (valueFrom === undefined) {
      env.set(name, expand(value ?? '', env));
      continue;
    }
    const found = fromSource(valueFrom);
    if (typeof found === 'object') return found;
    if (found !== undefined) env.set(name, found);
  }
  return { env, args: [...(spec.command ?? []), ...(spec.args ?? [])].map((arg) => expand(arg, env)) };

  function fromSource(source: EnvSource): string | undefined | { error: string } {
    if (source.fieldRef !== undefined) return fieldOf(pod, machine, ip, source.fieldRef.fieldPath);
    if (source.resourceFieldRef !== undefined) return '0';
    const reference = source.configMapKeyRef ?? source.secretKeyRef;
    if (reference === undefined) return undefined;
    const kind = source.configMapKeyRef ? 'configmap' : 'secret';
    const object = find<ConfigMap | Secret>(`${kind}s`, reference.name);
    const found = object?.data?.[reference.key];
    if (found !== undefined) return kind === 'secret' ? decode(found) : found;
    if (reference.optional === true) return undefined;
    return object === undefined
      ? { error: `${kind} "${reference.name}" not found` }
      : {
          error: `couldn't find key ${reference.key} in ${kind === 'secret' ? 'Secret' : 'ConfigMap'} ${namespace}/${reference.name}`,
        };
  }
}

/** The first volume whose ConfigMap or Secret is missing: text of the FailedMount event. */
export function missingVolume(world: World, pod: Pod): string | undefined {
  const namespace = pod.metadata.namespace ?? 'default';
  for (const volume of pod.spec?.volumes ?? []) {
    const sources = [
      { resource: 'configmap', name: volume.configMap?.name, optional: volume.configMap?.optional },
      { resource: 'secret', name: volume.secret?.secretName, optional: volume.secret?.optional },
      // A projected service-account volume names kube-root-ca.crt, which the controller manager publishes everywhere.
      ...(volume.projected?.sources ?? []).flatMap((source) => [
        { resource: 'configmap', name: source.configMap?.name, optional: source.configMap?.optional },
        { resource: 'secret', name: source.secret?.name, optional: source.secret?.optional },
      ]),
    ];
    for (const { resource, name, optional } of sources) {
      if (name === undefined || optional === true || name === 'kube-root-ca.crt') continue;
      if (world.store.get(`${resource}s`, name, namespace) === undefined) {
        return `MountVolume.SetUp failed for volume "${volume.name}" : ${resource} "${name}" not found`;
      }
    }
  }
  return undefined;
}

function fieldOf(pod: Pod, machine: Machine, ip: string, path: string): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript) return pod.metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? 'default';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'spec.nodeName':
      return machine.name;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? 'default';
    case 'status.hostIP':
    case 'status.hostIPs':
      return machine.address;
    case 'status.podIP':
    case 'status.podIPs':
      return ip;
    default:
      return '';
  }
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

const expand = (text: string, env: ReadonlyMap<string, string>): string =>
  text.replace(/\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (env.get(name) ?? whole),
  );
