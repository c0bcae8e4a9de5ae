/** Calico and its operator in the embedded cluster: what a release's containers and its CNI plugin do. */
import type { World } from '../../world.ts';
import { calicoCniPlugin } from './cni.ts';
import { installCni, shortInit } from './node/install.ts';
import { calicoNode } from './node/program.ts';
import { topologySource } from './node/topology.ts';
import { tigeraOperator } from './operator/program.ts';
import { calicoApiServer, calicoTypha, csi, goldmane, kubeControllers, whisker, whiskerBackend } from './programs.ts';

/** Registers Calico's programs and its CNI plugin. Call once for a world, after its store exists. */
export function registerCalico(world: World): void {
  const { programs } = world;
  programs.register('tigera/operator', tigeraOperator);
  programs.register('calico/node', calicoNode(topologySource(world)));
  programs.register('calico/typha', calicoTypha);
  programs.register('calico/kube-controllers', kubeControllers);
  programs.register('calico/apiserver', calicoApiServer);
  programs.register('calico/csi', csi);
  programs.register('calico/node-driver-registrar', csi);
  programs.register('calico/goldmane', goldmane);
  programs.register('calico/whisker', whisker);
  programs.register('calico/whisker-backend', whiskerBackend);
  programs.registerInit('calico/cni', installCni);
  programs.registerInit('calico/pod2daemon-flexvol', shortInit);
  programs.registerInit('calico/node#ebpf-bootstrap', shortInit);
  world.cniPlugins.set('calico', calicoCniPlugin(world));
}
