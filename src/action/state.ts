/** What main leaves to post. The runner hands it on as `STATE_NAME`, also when main was killed. Never a secret. */
import type { Environment } from './inputs.ts';

/** The names, and what they say. */
export interface State {
  /** Absolute path of the report directory, once it is ours. */
  readonly directory: string;
  readonly keep: string;
  /** A cluster that may exist, saved before it is made: JSON of {@link ClusterState}. */
  readonly cluster: string;
  /** `true`: reports, summary and outputs were written; there is nothing to gather. */
  readonly told: string;
}

export interface ClusterState {
  readonly name: string;
  /** In the private directory of the run that made it. */
  readonly kubeconfig: string;
}

export type SaveState = (name: keyof State, value: string) => void;

/** What main saved; '' where it did not come so far. */
export function readState(env: Environment): State {
  const of = (name: keyof State): string => env[`STATE_${name}`] ?? '';
  return { directory: of('directory'), keep: of('keep'), cluster: of('cluster'), told: of('told') };
}

/** undefined: there was none, or what was saved cannot be read. */
export function clusterOf({ cluster }: State): ClusterState | undefined {
  try {
    const { name, kubeconfig } = JSON.parse(cluster) as Partial<ClusterState>;
    return typeof name === 'string' && typeof kubeconfig === 'string' ? { name, kubeconfig } : undefined;
  } catch {
    return undefined;
  }
}
