/** `evidence/` of a report directory on this machine's disk: its files are listed in the marker, so that a later run removes them. */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { EVIDENCE } from '../events/evidence.ts';
import type { EvidenceDirectory, Scratch, ScratchFile } from '../evidence/bundle.ts';
import { writeWhole } from '../report/atomic.ts';
import { listInMarker, reviveReportDirectory, safeName } from '../report/directory.ts';

/**
 * @param directory prepared by `prepareDirectory`
 * @param disk do commands of this run write on this machine's disk (real ones), or on none (the twin's)
 */
export function evidenceDirectory(directory: string, disk: boolean): EvidenceDirectory {
  return {
    write: (name, content) => {
      const file = `${EVIDENCE}/${safeName(name)}`;
      reviveReportDirectory(directory);
      listInMarker(directory, file);
      const path = join(directory, file);
      mkdirSync(dirname(path), { recursive: true });
      writeWhole(path, content);
    },
    ...(disk ? { scratch } : {}),
  };
}

function scratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'cni-rehearsal-'));
  return {
    path,
    files: () => filesIn(path),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Links are left out: what a command wrote is in the directory itself. */
function filesIn(directory: string): ScratchFile[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({
      name: relative(directory, path).split(sep).join('/'),
      bytes: statSync(path).size,
      tail: (most) => tailOf(path, most),
    }));
}

function tailOf(path: string, most: number): string {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, most));
    const read = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.subarray(0, read).toString();
    return size > most ? `(its beginning was cut)\n${text.slice(text.indexOf('\n') + 1)}` : text;
  } finally {
    closeSync(fd);
  }
}
