/** What a real machine needs before and around a cluster. An embedded cluster has none of it. */
import type { KindConfigExtras } from '../cni/kind-config.ts';
import type { Reason } from '../events/verdict.ts';

/**
 * Docker goes on making a container whose `docker run` was killed: seconds, as a node's `/var` is copied out of its image. Until
 * it is whole `docker ps --all` shows it and `docker rm --force` says, with exit code 0, that there is none (observed: 20.10).
 */
export const MADE_MS = 60_000;
/** Until it is shown. */
export const SHOWN_MS = 5_000;

export interface MachineFinding {
  readonly id: string;
  readonly severity: 'info' | 'warning';
  readonly message: string;
  readonly subjects: readonly string[];
}

/** Why a run cannot begin, or go on, on this machine; one sentence with its remedy. */
export interface MachineProblem {
  readonly verdict: 'refused' | 'error';
  readonly reason: Reason;
  readonly message: string;
}

export interface MachineReport {
  readonly findings: readonly MachineFinding[];
  /** In the order in which they matter; empty: nothing is in the way. */
  readonly problems: readonly MachineProblem[];
}

/** Thrown by what a machine does for a run. */
export class MachineFailure extends Error {
  override readonly name = 'MachineFailure';
  readonly problem: MachineProblem;
  constructor(problem: MachineProblem, options?: ErrorOptions) {
    super(problem.message, options);
    this.problem = problem;
  }
}

/** Images that are loaded together, because they are needed together. */
export type ImageGroup = 'calico' | 'rest';

export interface Machine {
  /**
   * Finds or sets up the tools of the run; from then on the host knows where they are.
   * @returns findings: which version comes from where
   * @throws MachineFailure
   */
  setUpTools(signal: AbortSignal): Promise<readonly MachineFinding[]>;
  /** Looks at the machine, and clears away what a dead run of ours has left. Nothing else is touched. */
  check(signal: AbortSignal): Promise<MachineReport>;
  /** Pulls the node image, and begins to pull the others behind it. @throws MachineFailure */
  pullNodeImage(signal: AbortSignal): Promise<void>;
  /**
   * Called right before `kind create cluster`: from here on there may be something to delete.
   * @returns what this machine adds to kind's configuration
   */
  beforeCreate(): Promise<KindConfigExtras>;
  /** Runs beside `kind create cluster` until the signal aborts: writes down whose containers these are. */
  watchCreation(signal: AbortSignal): Promise<void>;
  /**
   * Waits until the images of a group are on the nodes.
   * @returns findings: what could not be loaded and is left to the kubelets
   * @throws MachineFailure
   */
  loadImages(group: ImageGroup, nodes: readonly string[], signal: AbortSignal): Promise<readonly MachineFinding[]>;
  /**
   * Asked when the cluster was deleted: those containers that were never seen may still come, of a creation that was killed.
   * @returns false: there are containers of it, and it is to be deleted again
   */
  isGone(): Promise<boolean>;
  /** The cluster is gone, or is not ours. */
  deleted(): void;
  /** The cluster outlives the run; says where its kubeconfig is and how to delete it. */
  kept(): string;
}
