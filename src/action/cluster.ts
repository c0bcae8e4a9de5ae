/**
 * Deletes the cluster that main has left: after a cancel, a crash, or where its own deletion failed. Never one that is not
 * proved to be this run's: each of its containers stands in the run's marker or sees the run's private directory.
 */
import { dirname, join } from 'node:path';
import { CommandNotFound, type Host } from '../host/host.ts';
import { dropNetwork } from '../provider/kind/network.ts';
import { type Marker, readMarker, removeMarked } from '../provider/kind/run-directory.ts';
import { MADE_MS, SHOWN_MS } from '../provider/machine.ts';
import type { Clock } from '../time/clock.ts';
import type { ClusterState } from './state.ts';

const LOOK_MS = 30_000;
const DELETE_MS = 180_000;
const PAUSE_MS = 3_000;

export interface NodeContainer {
  readonly id: string;
  /** kind's role of it: `control-plane`, `worker`, `external-load-balancer`. */
  readonly role: string;
  /** Directories of this machine that it sees. */
  readonly mounts: readonly string[];
}

/** What became of the cluster. */
export type Cleared =
  | { readonly outcome: 'none' | 'deleted' | 'kept' }
  | { readonly outcome: 'left'; readonly why: string; readonly command: string };

/** Do all these containers belong to the run of this marker? Pure. */
export function areOurs(containers: readonly NodeContainer[], marker: Marker): boolean {
  const known = new Set(marker.containers);
  const inside = (mount: string): boolean => mount.startsWith(`${marker.directory}/`);
  const ours = containers.filter(({ id, mounts }) => known.has(id) || mounts.some(inside));
  // The load balancer sees no directory of ours; kind makes one for nodes of the same cluster only.
  return ours.length > 0 && containers.every((one) => ours.includes(one) || one.role === 'external-load-balancer');
}

/**
 * @param cluster what main saved before it made the cluster
 * @param keep does the cluster outlive the job?
 * @throws nothing: what cannot be deleted is told with the command that does it
 */
export async function clearCluster(
  { name, kubeconfig }: ClusterState,
  keep: boolean,
  { host, clock }: { host: Host; clock: Clock },
): Promise<Cleared> {
  const directory = dirname(kubeconfig);
  const state = dirname(directory);
  const marker = readMarker(state, name);
  // Main has deleted it, or never came to make it; or a later run has a cluster of this name.
  if (marker === undefined || marker.directory !== directory) return { outcome: 'none' };
  if (keep) return { outcome: 'kept' };
  try {
    const seen = new Set(marker.containers);
    // A `kind create` that outlived main may be making containers, and Docker those of one that did not.
    for (const since = clock.monotonic(); ; await clock.sleep(PAUSE_MS)) {
      const passed = clock.monotonic() - since;
      const ids = await idsOf(host, name);
      if (ids.length === 0 && (seen.size >= marker.expected || passed >= SHOWN_MS)) break;
      if (passed >= MADE_MS) return left(name, 'its containers are still there');
      const containers = await inspected(host, ids);
      // None, or one that is not whole yet: then nobody can say whose it is.
      if (ids.length === 0 || containers.length < ids.length) continue;
      if (!areOurs(containers, marker)) return left(name, 'it is not the one that this step made');
      for (const id of ids) seen.add(id);
      await remove(host, name, containers, join(directory, 'kubeconfig'));
    }
    await dropNetwork(host, marker.network).catch(() => undefined);
    removeMarked(state, marker);
    return { outcome: 'deleted' };
  } catch (error) {
    return left(name, error instanceof Error ? error.message : String(error));
  }
}

const left = (name: string, why: string): Cleared => ({
  outcome: 'left',
  why,
  command: `kind delete cluster --name ${name}`,
});

async function idsOf(host: Host, name: string): Promise<string[]> {
  const label = `label=io.x-k8s.kind.cluster=${name}`;
  const listed = await docker(host, ['ps', '--all', '--quiet', '--no-trunc', '--filter', label], LOOK_MS);
  return listed.split('\n').filter((id) => id !== '');
}

/** Those of the containers that are whole, or are not gone meanwhile. */
async function inspected(host: Host, ids: readonly string[]): Promise<NodeContainer[]> {
  if (ids.length === 0) return [];
  const format = '{{.Id}}\t{{index .Config.Labels "io.x-k8s.kind.role"}}{{range .Mounts}}\t{{.Source}}{{end}}';
  const args = ['inspect', '--type', 'container', '--format', format, ...ids];
  const lines = await docker(host, args, LOOK_MS, /no such (container|object)/i);
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', role = '', ...mounts] = line.split('\t');
      return { id, role, mounts };
    });
}

/** By kind where it is there, which also cleans the kubeconfig; else by Docker alone. */
async function remove(
  host: Host,
  name: string,
  containers: readonly NodeContainer[],
  kubeconfig: string,
): Promise<void> {
  try {
    const args = ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig];
    if ((await host.run('kind', args, { timeoutMs: DELETE_MS })).exitCode === 0) return;
  } catch (error) {
    if (!(error instanceof CommandNotFound)) throw error;
  }
  await docker(host, ['rm', '--force', '--volumes', ...containers.map(({ id }) => id)], DELETE_MS);
}

/** @throws Error with Docker's last line, unless that is one to be passed over */
async function docker(host: Host, args: readonly string[], timeoutMs: number, passed?: RegExp): Promise<string> {
  const { exitCode, stdout, stderr } = await host.run('docker', args, { timeoutMs });
  if (exitCode === 0 || passed?.test(stderr)) return stdout;
  throw new Error(`docker ${args[0]}: ${stderr.trim().split('\n').at(-1) || `exit code ${exitCode}`}`);
}
