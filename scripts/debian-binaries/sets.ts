/** What is taken from Debian's packages, and where it is afterwards. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { findProgram } from '../../src/host/find-program.ts';

export interface BinarySet {
  /** Unique, and stays while versions in the suite go on. */
  readonly id: string;
  readonly name: 'kind' | 'kubectl' | 'docker';
  /** `own`: that of the machine, for what needs its libraries. */
  readonly suite: 'own' | 'trixie' | 'testing';
  /** Of each list the first that the suite has; the version of the very first is the version of the set. */
  readonly packages: readonly (readonly string[])[];
  /** Programs that must be there, relative to the set's directory. */
  readonly programs: readonly string[];
  readonly label: string;
}

const KIND = { name: 'kind', packages: [['kind']], programs: ['usr/bin/kind'] } as const;
const KUBECTL = {
  name: 'kubectl',
  packages: [['kubectl', 'kubernetes-client']],
  programs: ['usr/bin/kubectl'],
} as const;

export const SETS: readonly BinarySet[] = [
  { ...KIND, id: 'kind/trixie', suite: 'trixie', label: 'kind of Debian 13' },
  { ...KIND, id: 'kind/testing', suite: 'testing', label: 'kind of Debian testing' },
  { ...KUBECTL, id: 'kubectl/trixie', suite: 'trixie', label: 'kubectl of Debian 13' },
  { ...KUBECTL, id: 'kubectl/testing', suite: 'testing', label: 'kubectl of Debian testing' },
  {
    id: 'docker/own',
    name: 'docker',
    suite: 'own',
    // Since Debian 13 the client is a package of its own.
    packages: [['docker.io'], ['docker-cli'], ['containerd'], ['runc'], ['libdevmapper1.02.1']],
    programs: ['usr/sbin/dockerd', 'usr/bin/docker', 'usr/bin/containerd', 'usr/bin/containerd-shim-runc-v2'],
    label: "Docker engine of the machine's own Debian",
  },
];

export const binariesDirectory = (): string => path.join(homedir(), '.cache/rehearse');
/** Which directory each set is in, by id. */
export const recordFile = (): string => path.join(binariesDirectory(), 'debian-binaries.json');

export type Recorded = Partial<Record<string, string>>;

/** What was set up and is still there. */
export async function readRecord(): Promise<Recorded> {
  const text = await readFile(recordFile(), 'utf8').catch(() => '{}');
  const record = JSON.parse(text) as Recorded;
  return Object.fromEntries(SETS.flatMap((set) => (isThere(set, record[set.id]) ? [[set.id, record[set.id]]] : [])));
}

function isThere({ programs }: BinarySet, directory: string | undefined): boolean {
  if (directory === undefined) return false;
  const root = path.join(binariesDirectory(), directory);
  return programs.every((program) => findProgram(path.join(root, program), undefined) !== undefined);
}
