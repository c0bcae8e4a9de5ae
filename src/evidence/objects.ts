/** Objects of the API, as they were when the run ended. Secrets are never asked for. */
import { maskValue } from '../events/mask.ts';
import type { KubeApi, Resource } from '../kube/api.ts';
import type { KubeObject, Pod } from '../kube/objects.ts';
import * as kinds from '../kube/resources.ts';
import { apiVersionOf } from '../kube/resources.ts';
import { BUNDLE_LIMITS } from './bundle.ts';
import { type Door, type Item, NONE_HERE, NotThere } from './items.ts';

/** First what explains most; a run that is cancelled takes these only. */
const FIRST: readonly Resource<unknown>[] = [kinds.nodes, kinds.pods];

const MORE: readonly Resource<unknown>[] = [
  kinds.daemonSets,
  kinds.deployments,
  kinds.statefulSets,
  kinds.replicaSets,
  kinds.podDisruptionBudgets,
  kinds.networkPolicies,
  kinds.services,
  kinds.namespaces,
  kinds.leases,
  kinds.apiServices,
  kinds.installations,
  kinds.tigeraApiServers,
  kinds.tigeraStatuses,
  kinds.ipPools,
  kinds.ipamBlocks,
  kinds.blockAffinities,
  kinds.felixConfigurations,
  kinds.bgpConfigurations,
  kinds.calicoNetworkPolicies,
  kinds.globalNetworkPolicies,
  kinds.ciliumNodes,
  kinds.ciliumEndpoints,
  kinds.ciliumNodeConfigsV2,
  kinds.ciliumNodeConfigsV2Alpha1,
  kinds.ciliumNetworkPolicies,
  kinds.ciliumClusterwideNetworkPolicies,
];

const LIMIT_MS = 10_000;

/** `objects/pods.json`, `objects/ciliumnodes.cilium.io.json`; the version too where a kind is asked in two. */
function fileOf(resource: Resource<unknown>): string {
  const group = resource.group === '' ? '' : `.${resource.group}`;
  const version = resource.version === 'v2alpha1' ? `.${resource.version}` : '';
  return `objects/${resource.plural}${group}${version}.json`;
}

function listItem(api: KubeApi, door: Door, resource: Resource<unknown>): Item {
  const what = `${resource.kind} (${apiVersionOf(resource)})`;
  return {
    ...{ what, door, file: fileOf(resource), limitMs: LIMIT_MS, keep: 'head', masked: true },
    gather: async (signal) => {
      const { items } = await api.list(resource as Resource<KubeObject>, { signal, timeoutMs: LIMIT_MS });
      if (items.length === 0) throw new NotThere(NONE_HERE);
      return listText(items);
    },
  };
}

export function objectItems(api: KubeApi, door: Door, quick: boolean): Item[] {
  const lists = [...FIRST, ...(quick ? [] : MORE)].map((resource) => listItem(api, door, resource));
  const config: Item = {
    ...{ what: 'ConfigMap kube-system/cilium-config', door, file: 'objects/cilium-config.json' },
    ...{ limitMs: LIMIT_MS, masked: true },
    gather: async (signal) => {
      const ref = { namespace: 'kube-system', name: 'cilium-config' };
      return listText([(await api.get(kinds.configMaps, ref, { signal, timeoutMs: LIMIT_MS })) as KubeObject]);
    },
  };
  return quick ? lists : [...lists, config];
}

/**
 * A JSON list that stays JSON when it is too long: objects are left out and counted, never cut. managedFields, which is
 * most of an object and explains nothing here, is left out.
 */
export function listText(objects: readonly KubeObject[], most = BUNDLE_LIMITS.file - 1024): string {
  const texts: string[] = [];
  let bytes = 0;
  for (const object of objects) {
    const { managedFields: _, ...metadata } = object.metadata as Record<string, unknown>;
    const text = JSON.stringify(maskValue({ ...object, metadata }), null, 1);
    bytes += Buffer.byteLength(text) + 2;
    if (bytes > most) break;
    texts.push(text);
  }
  const left = objects.length - texts.length;
  if (left > 0) texts.push(JSON.stringify({ leftOut: left }));
  return `[${texts.join(',\n')}]\n`;
}

interface EventObject extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
}

/** Events in the order of time, a line each, as `kubectl get events` has them. */
export function eventsItem(api: KubeApi, door: Door, onText: (text: string) => void): Item {
  return {
    ...{ what: 'events in the order of time', door, file: 'events.txt', limitMs: LIMIT_MS, onText },
    gather: async (signal) => {
      const list = await api.list(kinds.events as Resource<EventObject>, { signal, timeoutMs: LIMIT_MS });
      return eventsText(list.items);
    },
  };
}

export function eventsText(list: readonly EventObject[]): string {
  const timeOf = (event: EventObject): string =>
    event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp ?? '';
  return [...list]
    .sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : timeOf(a) > timeOf(b) ? 1 : 0))
    .map((event) => {
      const { kind = '?', namespace, name = '?' } = event.involvedObject ?? {};
      const times = (event.count ?? 1) > 1 ? ` (${event.count} times)` : '';
      const where = namespace === undefined ? name : `${namespace}/${name}`;
      const message = (event.message ?? '').replace(/\s*\n\s*/g, ' ');
      return `${timeOf(event)} ${event.type ?? '?'} ${event.reason ?? '?'} ${kind} ${where}: ${message}${times}\n`;
    })
    .join('');
}

/** A table for the eye beside the objects: where each pod is and how it does. */
export function podsText(list: readonly Pod[]): string {
  const rows = list.map(({ metadata, spec, status }) => {
    const containers = status?.containerStatuses ?? [];
    const ready = `${containers.filter((one) => one.ready).length}/${spec?.containers?.length ?? 0}`;
    const restarts = containers.reduce((sum, one) => sum + (one.restartCount ?? 0), 0);
    const why = containers.flatMap(({ state }) => state?.waiting?.reason ?? state?.terminated?.reason ?? []);
    return [
      metadata.namespace ?? '',
      metadata.name,
      ready,
      metadata.deletionTimestamp ? 'Terminating' : (why[0] ?? status?.phase ?? '?'),
      String(restarts),
      status?.podIP ?? '-',
      spec?.nodeName ?? '-',
    ];
  });
  const all = [['NAMESPACE', 'NAME', 'READY', 'STATUS', 'RESTARTS', 'IP', 'NODE'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string => cells.map((cell, at) => cell.padEnd(widths[at]!)).join('  ');
  return `${all.map((cells) => line(cells).trimEnd()).join('\n')}\n`;
}
