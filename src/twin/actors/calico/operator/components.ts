/**
 * The controllers beside the core one: APIServer, Goldmane, Whisker. Each renders its workloads as dependents of its own resource
 * and holds a finalizer on the Installation while they exist, so that Calico's network outlives them.
 */
import type { KubeObject, Namespace, Pod } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import type { Release } from '../release.ts';
import { type RenderInput, SYSTEM } from '../render/common.ts';
import { apiServer, goldmane, whisker } from '../render/control.ts';
import { RESOURCES } from '../types.ts';
import { changeFinalizers, ensure, type Rendered } from './apply.ts';
import { dropStatus, type Watched, writeStatus } from './status.ts';

export interface Component {
  /** Name of the TigeraStatus. */
  readonly status: string;
  /** Resource whose object `default` asks for the component. */
  readonly resource: string;
  readonly finalizer: string;
  readonly workload: Watched;
  render(input: RenderInput): Rendered[];
}

export function components(release: Release): Component[] {
  const list: Component[] = [
    {
      status: 'apiserver',
      resource: RESOURCES.apiServers,
      finalizer: 'operator.tigera.io/apiserver-controller',
      workload: ['deployments.apps', release.apiServerNamespace, 'calico-apiserver'],
      render: apiServer,
    },
  ];
  if (release.goldmane) {
    list.push(
      {
        status: 'goldmane',
        resource: RESOURCES.goldmanes,
        finalizer: 'operator.tigera.io/goldmane-controller',
        workload: ['deployments.apps', SYSTEM, 'goldmane'],
        render: goldmane,
      },
      {
        status: 'whisker',
        resource: RESOURCES.whiskers,
        finalizer: 'operator.tigera.io/whisker-controller',
        workload: ['deployments.apps', SYSTEM, 'whisker'],
        render: whisker,
      },
    );
  }
  return list;
}

/** The object that asks for a component, unless it is on its way out. */
export function wanted(world: World, component: Pick<Component, 'resource'>): KubeObject | undefined {
  if (!world.store.has(component.resource)) return undefined;
  const found = world.store.get(component.resource, 'default');
  return found && !found.metadata.deletionTimestamp ? found : undefined;
}

/** Does anything of the component still exist? In its own namespace, the namespace itself counts (v3.28 to v3.30). */
export function remains(world: World, { workload: [resource, namespace, name] }: Component): boolean {
  if (namespace !== SYSTEM && world.store.get<Namespace>('namespaces', namespace)) return true;
  if (world.store.get(resource, name, namespace)) return true;
  return world.store.list<Pod>('pods', { namespace, labels: { 'k8s-app': name } }).length > 0;
}

/** One pass of one controller. */
export function reconcileComponent(world: World, component: Component, input: RenderInput): void {
  const subject = wanted(world, component);
  const { installation, release } = input;
  if (!subject) {
    dropStatus(world, component.status);
    if (!remains(world, component)) {
      changeFinalizers(world, RESOURCES.installations, { name: 'default' }, { remove: [component.finalizer] });
    }
    return;
  }
  // Everything waits for a defaulted Installation and its namespace.
  if (!installation.spec.variant || !world.store.get('namespaces', SYSTEM)) {
    writeStatus(
      world,
      component.status,
      subject,
      { degraded: { reason: 'ResourceNotReady', message: 'Installation not yet ready' } },
      [],
    );
    return;
  }
  if (release.controllerFinalizers) {
    changeFinalizers(world, RESOURCES.installations, { name: 'default' }, { add: [component.finalizer] });
  }
  for (const rendered of component.render(input)) ensure(world, rendered, subject);
  writeStatus(world, component.status, subject, {}, [component.workload]);
}
