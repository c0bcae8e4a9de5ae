/**
 * How the container runtime finds the CNI: the conf file that sorts first, its first plugin, and that plugin's binary
 * (containerd's go-cni: *.conf, *.conflist, *.json of /etc/cni/net.d in lexical order, only the first is loaded).
 */
import type { Pod } from '../../kube/objects.ts';
import type { CniPlugin, Machine, NodeFiles, World } from '../world.ts';

export const CONF_DIRECTORY = '/etc/cni/net.d';
const BINARY_DIRECTORY = '/opt/cni/bin';

/** Name of the conf file that the runtime uses; undefined when there is none. */
export const firstConf = (files: NodeFiles): string | undefined =>
  files.list(CONF_DIRECTORY).find((name) => /\.(conf|conflist|json)$/.test(name));

/** The main plugin's type in a conf or conflist; undefined when the file is not one. */
export function pluginType(content: string): string | undefined {
  try {
    const conf = JSON.parse(content) as { type?: string; plugins?: { type?: string }[] };
    return conf.plugins === undefined ? conf.type : conf.plugins[0]?.type;
  } catch {
    return undefined;
  }
}

function plugin(world: World, machine: Machine): { type: string; plugin: CniPlugin } | { error: string } {
  const conf = firstConf(machine.files);
  if (conf === undefined) return { error: 'cni plugin not initialized' };
  const type = pluginType(machine.files.read(`${CONF_DIRECTORY}/${conf}`)?.content ?? '');
  if (type === undefined) return { error: 'cni config load failed: no network config found in /etc/cni/net.d' };
  const found = world.cniPlugins.get(type);
  if (found === undefined || machine.files.read(`${BINARY_DIRECTORY}/${type}`) === undefined) {
    return { error: `failed to find plugin "${type}" in path [${BINARY_DIRECTORY}]` };
  }
  return { type, plugin: found };
}

/** CNI ADD with the plugin that is configured at this moment. */
export function addToNetwork(world: World, machine: Machine, pod: Pod): { ip: string } | { error: string } {
  const found = plugin(world, machine);
  if ('error' in found) return found;
  const result = found.plugin.add(machine, pod);
  if ('ip' in result) return result;
  return { error: `plugin type="${found.type}" failed (add): ${result.error}` };
}

/** CNI DEL, also with the plugin configured now: a pod may have been added by another one. */
export function removeFromNetwork(world: World, machine: Machine, pod: Pod): void {
  const found = plugin(world, machine);
  if ('error' in found) return;
  found.plugin.del(machine, {
    uid: pod.metadata.uid ?? '',
    name: pod.metadata.name,
    namespace: pod.metadata.namespace ?? 'default',
  });
}
