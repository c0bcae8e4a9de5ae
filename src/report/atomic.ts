/** Files that are there whole or not at all: a process that is killed leaves the old one or the new one. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where a file is written before it takes its place. A process that is killed meanwhile leaves it behind. */
export function partialOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.partial`);
}

/** @throws the system's error; nothing is left of a file that could not be written */
export function writeWhole(path: string, content: string): void {
  const partial = partialOf(path);
  try {
    writeFileSync(partial, content);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
