/** Logs of pods through the API: of those that are blamed, then of everything that makes the network. */
import type { KubeApi } from '../kube/api.ts';
import type { Pod } from '../kube/objects.ts';
import { type Door, type Item, NOT_MODELLED_HERE, NotThere } from './items.ts';

const LIMIT_MS = 10_000;
/** Bytes that the API server sends of one log at most. */
const MOST_BYTES = 1024 * 1024;
/** More logs than these help nobody. */
export const MOST_LOGS = 120;

export interface LogChoice {
  readonly pod: Pod;
  readonly container: string;
  readonly previous: boolean;
  readonly lines: number;
  /** The failure speaks of this pod. */
  readonly blamed: boolean;
}

type Labels = Readonly<Record<string, string>>;

const PROBES = new Set(['nodepinger', 'goldpinger', 'servicepinger']);

/** Who makes the network, by labels and namespaces (charts of Cilium, the Tigera operator's manifests, kubeadm). */
function roleOf({ metadata }: Pod): 'agent' | 'operator' | 'control-plane' | 'probe' | null {
  const labels: Labels = metadata.labels ?? {};
  const app = labels['k8s-app'] ?? labels.app ?? '';
  const namespace = metadata.namespace ?? '';
  if (/^(cilium|cilium-envoy|calico-node|kube-proxy)$/.test(app)) return 'agent';
  if (/^(calico-system|calico-apiserver|tigera-operator)$/.test(namespace)) return 'operator';
  if (labels['io.cilium/app'] === 'operator' || app === 'kube-dns') return 'operator';
  if (labels.tier === 'control-plane' && namespace === 'kube-system') return 'control-plane';
  return PROBES.has(labels.app ?? '') ? 'probe' : null;
}

/**
 * Which logs are asked for, the most telling first. Pure.
 * @param speaksOf does the failure speak of the pod
 * @param nodes the nodes that are looked at, blamed ones first
 */
export function chooseLogs(
  list: readonly Pod[],
  speaksOf: (pod: Pod) => boolean,
  nodes: readonly string[],
  blamedNodes: ReadonlySet<string>,
): LogChoice[] {
  const ranked = list.flatMap((pod): { rank: number; choice: LogChoice }[] => {
    const node = pod.spec?.nodeName ?? '';
    const role = roleOf(pod);
    const blamed = speaksOf(pod);
    const rank = blamed ? 0 : rankOf(role, blamedNodes.has(node), nodes.includes(node));
    if (node === '' || rank === null) return [];
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    return statuses.flatMap(({ name, restartCount = 0, state, lastState }) => {
      // Init containers that have done their work have nothing to say, unless the pod is blamed.
      const init = pod.status?.initContainerStatuses?.some((one) => one.name === name) === true;
      if (init && !blamed && state?.terminated?.exitCode === 0) return [];
      const choice = { pod, container: name, blamed, lines: blamed ? 1_000 : 500 };
      const before = restartCount > 0 || lastState?.terminated !== undefined;
      return [
        ...(before ? [{ rank, choice: { ...choice, previous: true } }] : []),
        { rank, choice: { ...choice, previous: false } },
      ];
    });
  });
  return ranked
    .map((one, at) => ({ ...one, at }))
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .slice(0, MOST_LOGS)
    .map(({ choice }) => choice);
}

function rankOf(role: ReturnType<typeof roleOf>, onBlamed: boolean, onChosen: boolean): number | null {
  if (role === null) return null;
  if (role === 'agent') return onBlamed ? 1 : onChosen ? 4 : null;
  if (role === 'operator') return 2;
  if (role === 'probe') return onBlamed ? 3 : null;
  return 5;
}

export interface LogText {
  readonly choice: LogChoice;
  readonly file: string;
  readonly text: string;
}

/** @param doors to every log, and to those of one node: a kubelet that is away keeps back its own only */
export function logItems(
  api: KubeApi,
  doors: { readonly all: Door; readonly of: (pod: Pod) => Door },
  choices: readonly LogChoice[],
  onText: (log: LogText) => void,
): Item[] {
  return choices.map((choice): Item => {
    const { pod, container, previous, lines } = choice;
    const { namespace = 'default', name } = pod.metadata;
    const file = `logs/${namespace}/${name}/${container}${previous ? '.previous' : ''}.log`;
    const before = previous ? ', before its last start' : '';
    return {
      ...{ what: `log of ${namespace}/${name}, ${container}${before}`, file, limitMs: LIMIT_MS, door: doors.of(pod) },
      onText: (text) => onText({ choice, file, text }),
      gather: async (signal) => {
        const query = new URLSearchParams({
          container,
          previous: String(previous),
          tailLines: String(lines),
          limitBytes: String(MOST_BYTES),
          timestamps: 'true',
        });
        const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`;
        const { status, body } = await api.raw(path, { signal, timeoutMs: LIMIT_MS });
        if (status === 501) {
          doors.all.shutFor(NOT_MODELLED_HERE);
          throw new NotThere(NOT_MODELLED_HERE);
        }
        if (status !== 200) throw new Error(`${status}: ${statusMessage(body)}`);
        return body;
      },
    };
  });
}

/** The message of a Status, or the text itself. */
function statusMessage(body: string): string {
  try {
    const parsed = JSON.parse(body) as { message?: unknown };
    return typeof parsed.message === 'string' ? parsed.message : body;
  } catch {
    return body;
  }
}
