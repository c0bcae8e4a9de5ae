/** Puts Cilium's programs and its CNI plugin into a world. What they do depends only on the objects that Helm applied. */
import type { InitProgram, World } from '../../world.ts';
import { agentProgram } from './agent.ts';
import { ciliumCniPlugin } from './cni-plugin.ts';
import { mergedConfig } from './config.ts';
import { operatorProgram } from './operator.ts';
import { ciliumState } from './state.ts';

export { ciliumStarvation } from './starvation.ts';

const CNI_BINARY = '/opt/cni/bin/cilium-cni';

/** Health listener of cilium-envoy (chart, envoy.healthPort). */
const ENVOY_PORT = 9878;

/** The kubelet looks once a second, so that one of these takes about a second each (recorded). */
const idle: InitProgram = (context) => ({ ms: Math.round(context.random.between(150, 450)), run: () => {} });

/** Registers `cilium/cilium`, `cilium/operator-generic`, `cilium/cilium-envoy` and the plugin `cilium-cni`. */
export function registerCilium(world: World): void {
  const { programs } = world;
  programs.register('cilium/cilium', agentProgram);
  programs.register('cilium/operator-generic', operatorProgram);
  programs.register('cilium/cilium-envoy', () => ({ ports: [ENVOY_PORT], probe: () => true }));
  programs.registerInit('cilium/cilium#config', (context) => ({
    ms: Math.round(context.random.between(250, 550)),
    run: () => {
      const merged = mergedConfig(world, context.machine.name, context.namespace);
      ciliumState(world).mergedConfig.set(context.podUid, merged);
    },
  }));
  for (const name of ['mount-cgroup', 'apply-sysctl-overwrites', 'mount-bpf-fs', 'clean-cilium-state'])
    programs.registerInit(`cilium/cilium#${name}`, idle);
  programs.registerInit('cilium/cilium#install-cni-binaries', (context) => ({
    ms: Math.round(context.random.between(150, 450)),
    run: () => context.machine.files.write(CNI_BINARY, 'cilium-cni', 0o755),
  }));
  world.cniPlugins.set('cilium-cni', ciliumCniPlugin(world));
}
