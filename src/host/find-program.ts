import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/**
 * The absolute path of the program that a shell would run for this name, or undefined. Relative directories of the PATH are
 * passed over: what is meant by them depends on where one stands.
 */
export function findProgram(name: string, searchPath: string | undefined): string | undefined {
  if (name.includes(path.sep)) return isProgram(name) ? path.resolve(name) : undefined;
  for (const directory of (searchPath ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(directory)) continue;
    const file = path.join(directory, name);
    if (isProgram(file)) return file;
  }
  return undefined;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    // Directories have the bit too.
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
