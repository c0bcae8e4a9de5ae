/** The core controller: the Installation's workloads, and their orderly end (calico.md 6; walkthrough "Remove"). */
import type { Pod } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import { namespace, type RenderInput, SYSTEM } from '../render/common.ts';
import { kubeControllers, tierObjects, typha } from '../render/control.ts';
import { CNI_PROTECTOR, calicoNodeDaemonSet, csiNodeDriver, nodeAccounts, nodeConfig } from '../render/node.ts';
import { RESOURCES } from '../types.ts';
import { changeFinalizers, discard, ensure, type Rendered } from './apply.ts';
import { enabledPools } from './pools.ts';
import type { Report, Watched } from './status.ts';

export const CLEANUP = 'tigera.io/operator-cleanup';
export const CORE_FINALIZER = 'operator.tigera.io/installation-controller';

export function coreWorkloads({ installation }: Pick<RenderInput, 'installation'>): Watched[] {
  const csi = installation.spec.kubeletVolumePluginPath !== 'None';
  return [
    ['daemonsets.apps', SYSTEM, 'calico-node'],
    ['deployments.apps', SYSTEM, 'calico-typha'],
    ['deployments.apps', SYSTEM, 'calico-kube-controllers'],
    ...(csi ? ([['daemonsets.apps', SYSTEM, 'csi-node-driver']] as const) : []),
  ];
}

function renderAll(input: RenderInput): Rendered[] {
  return [
    namespace(SYSTEM),
    ...nodeConfig(),
    ...nodeAccounts(input),
    ...typha(input),
    calicoNodeDaemonSet(input),
    ...csiNodeDriver(input),
    ...kubeControllers(input),
    ...(input.release.tier ? tierObjects() : []),
  ];
}

/**
 * One pass. Both a living and a terminating Installation need an enabled pool first (from operator 1.34): with the pools gone the
 * pass ends before it comes to any finalizer, for ever.
 */
export function reconcileCore(world: World, input: RenderInput): Report {
  const { release, installation } = input;
  if (release.poolController && enabledPools(world).length === 0) {
    return { degraded: { reason: 'ResourceNotReady', message: 'waiting for enabled IP pools to be created' } };
  }
  if (installation.metadata.deletionTimestamp) return terminate(world, input);
  const finalizers = release.controllerFinalizers ? [CLEANUP, CORE_FINALIZER] : [CLEANUP];
  changeFinalizers(world, RESOURCES.installations, { name: 'default' }, { add: finalizers });
  for (const rendered of renderAll(input)) ensure(world, rendered, installation);
  return {};
}

/** Workloads that need Calico's network to end cleanly go first. */
function terminate(world: World, input: RenderInput): Report {
  const { release, installation } = input;
  // Still rendered: when Goldmane is gone its template changes, and calico-node rolls in the middle of the removal.
  ensure(world, calicoNodeDaemonSet(input), installation);
  const going: Watched[] = [['deployments.apps', SYSTEM, 'calico-kube-controllers']];
  if (release.removesCsiFirst) going.push(['daemonsets.apps', SYSTEM, 'csi-node-driver']);
  const left = going.filter(
    ([resource, inNamespace, name]) =>
      discard(world, resource, name, inNamespace) ||
      world.store.list<Pod>('pods', { namespace: inNamespace, labels: { 'k8s-app': name } }).length > 0,
  );
  if (left.length > 0) return waiting(`Waiting for ${left.map(([, , name]) => name).join(', ')} to terminate`);
  const others = finalizersOf(world).filter(
    (name) => name.startsWith('operator.tigera.io/') && name !== CORE_FINALIZER,
  );
  if (others.length > 0) return waiting(`Waiting for finalizers to be removed: ${others.join(', ')}`);
  for (const { resource, object } of nodeAccounts(input)) {
    changeFinalizers(world, resource, object.metadata, { remove: [CNI_PROTECTOR] });
  }
  changeFinalizers(world, RESOURCES.installations, { name: 'default' }, { remove: [CORE_FINALIZER, CLEANUP] });
  return {};
}

const waiting = (message: string): Report => ({ degraded: { reason: 'ResourceNotReady', message } });

function finalizersOf(world: World): string[] {
  return world.store.get(RESOURCES.installations, 'default')?.metadata.finalizers ?? [];
}
