/**
 * Real kind, kubectl and dockerd for tests, where `npm run debian-binaries` has put them. What is missing is skipped by name;
 * with REHEARSE_REQUIRE_BINARIES=1, as `.ci/run` sets it, a missing kind or kubectl is a failure.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { binariesDirectory, readRecord, SETS } from '../../scripts/debian-binaries/sets.ts';
import { findProgram } from '../../src/host/find-program.ts';

export interface RealBinary {
  /** As in `0.33`. */
  readonly minor: string;
  /** Absolute. */
  readonly path: string;
}

const record = await readRecord();
const required = process.env.REHEARSE_REQUIRE_BINARIES === '1';

/** The directory in which a set was unpacked, or undefined. */
function directoryOf(id: string): string | undefined {
  const name = record[id];
  return name === undefined ? undefined : path.join(binariesDirectory(), name);
}

/** The path of the binary of this minor version, or undefined: `realBinary('kind', '0.33')`. */
export function realBinary(name: 'kind' | 'kubectl', minor: string): string | undefined {
  return findProgram(path.join(binariesDirectory(), `${name}-${minor}`, 'usr/bin', name), undefined);
}

/**
 * Defines a block of tests for each Debian suite's version of the command, that is for two: kind 0.27 and 0.33, kubectl 1.32
 * and 1.36, or later ones as Debian testing goes on.
 */
export function describeWith(name: 'kind' | 'kubectl', body: (binary: RealBinary) => void): void {
  for (const { id, label } of SETS.filter((set) => set.name === name)) {
    const directory = directoryOf(id);
    if (directory !== undefined) {
      const minor = path.basename(directory).slice(name.length + 1);
      describe(`${name} ${minor}`, () => body({ minor, path: path.join(directory, 'usr/bin', name) }));
    } else if (required) {
      test(`${label} is there`, () => {
        expect.unreachable(`${label} is not there, and REHEARSE_REQUIRE_BINARIES=1 wants it: npm run debian-binaries`);
      });
    } else {
      test.skip(`${label} is not there: npm run debian-binaries`, () => undefined);
    }
  }
}

/** Where the programs of Debian's Docker engine are, in the order of a PATH; undefined where they are not. */
export function dockerPrograms(): readonly string[] | undefined {
  const directory = directoryOf('docker/own');
  if (directory === undefined) return undefined;
  return ['usr/sbin', 'usr/bin'].map((each) => path.join(directory, each)).filter((each) => existsSync(each));
}
