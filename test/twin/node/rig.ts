/** A world on manual time with a kind cluster and a plain CNI plugin, for tests of machines and commands. */
import type { CommandResult } from '../../../src/host/host.ts';
import type { Pod } from '../../../src/kube/objects.ts';
import { dockerCommand } from '../../../src/twin/commands/docker.ts';
import { kindCommand } from '../../../src/twin/commands/kind.ts';
import type { Cluster } from '../../../src/twin/node/cluster.ts';
import { createWorld } from '../../../src/twin/twin.ts';
import type { World } from '../../../src/twin/world.ts';
import { ManualTime } from './manual-time.ts';

export interface Rig {
  readonly time: ManualTime;
  readonly world: World;
  readonly cluster: Cluster;
  readonly kubeconfigs: Set<string>;
  run(command: 'kind' | 'docker', args: readonly string[], stdin?: string): Promise<CommandResult>;
  /** Puts a CNI plugin and its configuration on every node; addresses count up from 192.168.9.10. */
  installCni(file?: string): void;
  pod(name: string, namespace?: string): Pod | undefined;
}

export const clusterYaml = (controlPlanes: number, workers: number): string =>
  [
    'kind: Cluster',
    'apiVersion: kind.x-k8s.io/v1alpha4',
    'networking: { disableDefaultCNI: true, podSubnet: 192.168.0.0/16, serviceSubnet: 10.96.0.0/16 }',
    'nodes:',
    ...Array.from({ length: controlPlanes }, () => '  - { role: control-plane, image: "kindest/node:v1.34.11" }'),
    ...Array.from({ length: workers }, () => '  - { role: worker, image: "kindest/node:v1.34.11" }'),
  ].join('\n');

export function createRig(seed = 1): Rig {
  const time = new ManualTime();
  const { world, cluster } = createWorld(time, {
    seed,
    nodeSubnet: '172.18.0.0/16',
    podSubnet: '192.168.0.0/16',
    serviceSubnet: '10.96.0.0/16',
    kubernetesVersion: '1.34.11',
  });
  const kubeconfigs = new Set<string>();
  const doors = { cluster, sleep: time.sleep };
  const commands = {
    kind: kindCommand({
      ...doors,
      kubeconfig: (path, written) => void (written ? kubeconfigs.add(path) : kubeconfigs.delete(path)),
    }),
    docker: dockerCommand(doors),
  };
  const signal = new AbortController().signal;
  let next = 10;
  world.cniPlugins.set('plain', {
    add: (machine, pod) => {
      const network = world.network.node(machine.name)!;
      const ip = `192.168.9.${next++}`;
      const uid = pod.metadata.uid!;
      const device = `cali${next}`;
      network.addLink({ name: device, kind: 'veth', mtu: 1450, podUid: uid });
      network.addRoute(`${ip} dev ${device} scope link`);
      const { name, namespace } = pod.metadata;
      network.attachPod({ podUid: uid, namespace: namespace!, name, ip, device, cni: 'calico', labels: {} });
      return { ip };
    },
    del: (machine, pod) => {
      const network = world.network.node(machine.name);
      const attached = network?.pod(pod.uid);
      if (attached === undefined) return;
      network?.detachPod(pod.uid);
      network?.deleteLink(attached.device);
    },
  });
  return {
    time,
    world,
    cluster,
    kubeconfigs,
    run: (command, args, stdin = '') => time.settle(commands[command](args, { stdin, signal })),
    installCni: (file = '10-plain.conflist') => {
      for (const machine of world.machines.values()) {
        machine.files.write('/opt/cni/bin/plain', '', 0o755);
        machine.files.write(`/etc/cni/net.d/${file}`, JSON.stringify({ plugins: [{ type: 'plain' }] }));
      }
    },
    pod: (name, namespace = 'default') => world.store.get<Pod>('pods', name, namespace),
  };
}

/** A rig with a running cluster. */
export async function createCluster(controlPlanes: number, workers: number, seed = 1): Promise<Rig> {
  const rig = createRig(seed);
  const args = ['create', 'cluster', '--name', 'kind', '--config', '-', '--kubeconfig', '/kubeconfig', '--retain'];
  const result = await rig.run('kind', args, clusterYaml(controlPlanes, workers));
  if (result.exitCode !== 0) throw new Error(result.stderr);
  return rig;
}

/** A pod bound to a node, as the scheduler would leave it. */
export function boundPod(name: string, node: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: node,
      containers: [{ name: 'main', image: 'example.org/app:1', ports: [{ containerPort: 80 }] }],
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}
