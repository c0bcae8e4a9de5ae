/** One job of a matrix, and what was left out of it. */
import type { Support } from './support.ts';

export const AXES = ['scenario', 'cilium', 'calico', 'kubernetes'] as const;
export type Axis = (typeof AXES)[number];

export type ProviderName = 'twin' | 'kind';

/** All fields are texts and numbers, as a GitHub matrix has them. */
export interface Job {
  /** For file and artifact names; unique in its matrix. */
  readonly id: string;
  /** For people: `lab, Cilium 1.19.6, Calico 3.31.7, Kubernetes 1.34.11`. */
  readonly name: string;
  /** As it was given: the name of a bundled one, or a path. */
  readonly scenario: string;
  readonly provider: ProviderName;
  readonly cilium: string;
  readonly calico: string;
  readonly kubernetes: string;
  readonly nodes: number;
  readonly support: Support;
  /** `PATH=VALUE` lines: what makes the scenario this job's, and what `--set` gave. */
  readonly set: string;
  /** Rules, one a line. */
  readonly allow: string;
  /** Faults, one a line. */
  readonly fault: string;
  readonly seed: number;
  /** Where Cilium's versions are from and how that is known: `published: https://…`. */
  readonly versions: string;
}

/** A combination that is no job, with its reason. */
export interface Excluded {
  readonly name: string;
  readonly scenario: string;
  readonly cilium: string;
  readonly calico: string;
  /** null: none fits. */
  readonly kubernetes: string | null;
  readonly reason: string;
}

/** Where the versions come from that expressions were resolved against. */
export interface VersionSource {
  /** `published`: the chart index as it is now. `bundled`: the table that came with this release. */
  readonly cilium: 'published' | 'bundled';
  /** For people: which index, or why the bundled table. */
  readonly detail: string;
}

export const sourceText = ({ cilium, detail }: VersionSource): string => `${cilium}: ${detail}`;

export interface Matrix {
  readonly jobs: readonly Job[];
  readonly excluded: readonly Excluded[];
  /** What else the reader should know, one sentence each. */
  readonly notes: readonly string[];
  readonly source: VersionSource;
}

export const nameOf = ({ scenario, cilium, calico, kubernetes }: Record<Axis, string | null>): string =>
  [scenario, `Cilium ${cilium}`, `Calico ${calico}`, ...(kubernetes === null ? [] : [`Kubernetes ${kubernetes}`])].join(
    ', ',
  );

/** Letters that any file system and GitHub's artifacts take. */
export const slug = (text: string): string =>
  text.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '') || 'x';
