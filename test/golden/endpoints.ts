/** CiliumEndpoints as lines of JSON, and ways to change them. */
import type { About, Normalisation } from './normalise.ts';
import { canonical } from './state.ts';

export interface Endpoint {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  status: {
    id: unknown;
    identity: { id: unknown; labels: string[] };
    networking: { addressing: unknown; node: string };
    'service-account': string;
    'external-identifiers': Record<string, string>;
  };
}

/** Label `app` or `k8s-app` of the pod. */
export const workload = ({ metadata }: Endpoint): string =>
  metadata.labels.app ?? metadata.labels['k8s-app'] ?? metadata.name;

export function keeping(keep: (endpoint: Endpoint, about: About) => boolean): Normalisation['apply'] {
  return (lines, about) => lines.filter((line) => keep(JSON.parse(line) as Endpoint, about));
}

/** `change` works on the endpoint that it is given. */
export function changing(change: (endpoint: Endpoint, about: About) => void): Normalisation['apply'] {
  return (lines, about) =>
    lines.map((line) => {
      const endpoint = JSON.parse(line) as Endpoint;
      change(endpoint, about);
      return canonical(endpoint);
    });
}

/** Says the sandbox's id where all external identifiers name the same one. */
export function nameSandbox({ status }: Endpoint): void {
  const ids = status['external-identifiers'];
  const id = ids['container-id'] ?? '';
  if (!/^[0-9a-f]{64}$/.test(id)) return;
  for (const key of Object.keys(ids)) ids[key] = ids[key]!.replace(id, '{sandbox}');
}

/**
 * Takes out the labels and the account that a probe's manifest gave, when all of them came through: as labels, once each
 * as labels of the identity, and as the account in both places.
 */
export function withoutManifest(
  { metadata, status }: Endpoint,
  manifest: { readonly labels: Readonly<Record<string, string>>; readonly account: string },
): void {
  const labels = Object.entries(manifest.labels);
  const { identity } = status;
  const account = `k8s:io.cilium.k8s.policy.serviceaccount=${manifest.account}`;
  const times = (wanted: string): number => identity.labels.filter((label) => label === wanted).length;
  const complete =
    labels.every(([key, value]) => metadata.labels[key] === value && times(`k8s:${key}=${value}`) === 1) &&
    status['service-account'] === manifest.account &&
    times(account) === 1;
  if (!complete) return;
  for (const [key] of labels) delete metadata.labels[key];
  const own = labels.map(([key, value]) => `k8s:${key}=${value}`);
  identity.labels = identity.labels
    .filter((label) => !own.includes(label))
    .map((label) => (label === account ? 'k8s:io.cilium.k8s.policy.serviceaccount={account}' : label));
  status['service-account'] = '{account}';
}

/** Takes node and address out when the address lies in the node's pod CIDR. */
export function withoutNode({ status: { networking } }: Endpoint): void {
  const node = /^\{address (\S+)\}$/.exec(networking.node)?.[1];
  const address = canonical(networking.addressing);
  if (node === undefined || address !== `[{"ipv4":"{pod in pods ${node}}"}]`) return;
  networking.node = '{a node}';
  networking.addressing = '{in its pod CIDR}';
}
