/** `kind create cluster`: containers in parallel, kubeadm init, control planes one after another, workers in parallel. */
import type { CommandResult } from '../../host/host.ts';
import type { Cluster } from '../node/cluster.ts';
import type { TwinMachine } from '../node/machine.ts';
import { writeControlPlaneManifests } from '../node/static-pods.ts';
import { answer, failure, type Sleep } from './command.ts';
import type { KindConfig } from './kind-config.ts';
import { bootstrapNamespaces, populate, publishApiServer } from './kind-population.ts';

/** Seconds that a node of a control plane may take until its API server serves (kubeadm, 4 minutes). */
const API_LIMIT_MS = 240_000;

const SALUTATIONS = [
  'Have a nice day! 👋',
  'Have a question, bug, or feature request? Let us know! https://kind.sigs.k8s.io/#community 🙂',
  'Not sure what to do next? 😅  Check out https://kind.sigs.k8s.io/docs/user/quick-start/',
  'Thanks for using kind! 😊',
];

/** `kind-control-plane`, `kind-worker`, `kind-worker2`: the first of a role has no number (providers/common/namer.go). */
export function nodeNames(cluster: string, roles: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return roles.map((role) => {
    const count = (counts.get(role) ?? 0) + 1;
    counts.set(role, count);
    return `${cluster}-${role}${count === 1 ? '' : count}`;
  });
}

/** Makes the cluster; resolves with kind's own output and exit code. */
export async function createCluster(
  cluster: Cluster,
  config: KindConfig,
  kubeconfig: string,
  sleep: Sleep,
  signal: AbortSignal,
): Promise<CommandResult> {
  const { world } = cluster;
  const { name, nodes } = config;
  const random = world.random(`kind/${name}`);
  let stderr = `Creating cluster "${name}" ...\n`;
  const step = async (title: string, least: number, most: number): Promise<void> => {
    stderr += ` • ${title}  ...\n`;
    await sleep(random.integer(least, most), signal);
    stderr += ` ✓ ${title}\n`;
  };
  const image = nodes[0]!.image;
  await step(`Ensuring node image (${image}) 🖼`, 200, 500);
  const names = nodeNames(
    name,
    nodes.map((node) => node.role),
  );
  cluster.create(
    name,
    nodes.map(({ role, kubernetesVersion, published }, index) => ({
      name: names[index]!,
      role,
      kubernetesVersion,
      published: published ?? [],
    })),
  );
  await step(`Preparing nodes ${'📦 '.repeat(nodes.length)}`, 7_700, 9_500);
  const machines = names.map((node) => cluster.machines.get(node)!);
  const [first, ...others] = machines.filter((machine) => machine.role === 'control-plane');
  if (others.length > 0) await step('Configuring the external load balancer ⚖️', 300, 600);
  await step('Writing configuration 📜', 600, 1_200);

  const startControlPlane = async (machine: TwinMachine): Promise<boolean> => {
    writeControlPlaneManifests(machine.files, machine.kubernetesVersion, machine.address);
    const limit = world.time.now() + API_LIMIT_MS;
    while (!cluster.api.serves(machine.name)) {
      if (world.time.now() >= limit) return false;
      await sleep(500, signal);
    }
    return true;
  };
  const lost = (): CommandResult =>
    failure(
      `${stderr}ERROR: failed to create cluster: failed to init node with kubeadm: command failed with error: exit status 1\n`,
    );

  stderr += ' • Starting control-plane 🕹️  ...\n';
  if (!(await startControlPlane(first!))) return lost();
  bootstrapNamespaces(world);
  first!.join();
  await sleep(random.integer(3_000, 4_500), signal);
  populate(world, { name, controlPlanes: [first!], podSubnet: config.podSubnet, serviceSubnet: config.serviceSubnet });
  stderr += ' ✓ Starting control-plane 🕹️\n';
  await step('Installing StorageClass 💾', 500, 900);

  if (others.length > 0) {
    stderr += ' • Joining more control-plane nodes 🎮  ...\n';
    for (const machine of others) {
      await sleep(random.integer(2_500, 4_500), signal);
      if (!(await startControlPlane(machine))) return lost();
      machine.join();
      publishApiServer(
        world,
        machines.filter((one) => cluster.api.serves(one.name)),
      );
    }
    stderr += ' ✓ Joining more control-plane nodes 🎮\n';
  }
  const workers = machines.filter((machine) => machine.role === 'worker');
  if (workers.length > 0) {
    stderr += ' • Joining worker nodes 🚜  ...\n';
    const joins = workers.map((machine) => ({ machine, at: random.integer(5_000, 9_000) })).sort((a, b) => a.at - b.at);
    let passed = 0;
    for (const { machine, at } of joins) {
      await sleep(at - passed, signal);
      passed = at;
      machine.join();
    }
    // Each join ends when the Node object is there.
    await sleep(random.integer(1_000, 1_500), signal);
    stderr += ' ✓ Joining worker nodes 🚜\n';
  }
  stderr += `Set kubectl context to "kind-${name}"\nYou can now use your cluster with:\n\n`;
  stderr += `kubectl cluster-info --context kind-${name} --kubeconfig ${kubeconfig}\n\n${random.pick(SALUTATIONS)}\n`;
  return answer('', stderr);
}
