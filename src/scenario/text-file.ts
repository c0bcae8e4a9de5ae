/** Files that a user names: opened so that nothing hangs and nothing is read without end, whatever the path leads to. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';

/** The file cannot be read. The message is a clause without the file's name. */
export class InputFileError extends Error {
  override readonly name = 'InputFileError';
}

/** What the shell hands over: `rehearse check <(generate)`, `generate | rehearse check /dev/stdin`. */
const HANDED_OVER = /^\/dev\/(stdin|fd\/\d+)$|^\/proc\/self\/fd\/\d+$/;

const CHUNK_BYTES = 64 * 1024;

const CODES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a directory, a file is wanted',
  ENOTDIR: 'there is no such file: a part of its path is no directory',
  ELOOP: 'the file cannot be read: its links lead to each other',
  ENAMETOOLONG: 'the file cannot be read: its path is too long',
  EACCES: 'the file cannot be read: permission denied',
  EPERM: 'the file cannot be read: permission denied',
  ENXIO: 'this is no file',
  ERR_INVALID_ARG_VALUE: 'there is no such file: its name holds a NUL character',
};

/** The clause for an error of the file system. */
export function fileProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return Object.hasOwn(CODES, code) ? CODES[code]! : `the file cannot be read (${code || String(error)})`;
}

/**
 * A descriptor of a regular file, or of a pipe that the shell handed over. Opening and reading any other pipe or a device
 * could last for ever.
 * @throws InputFileError
 */
export function openInput(file: string): { readonly fd: number; readonly size: number | null } {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | (HANDED_OVER.test(resolve(file)) ? 0 : constants.O_NONBLOCK));
  } catch (error) {
    throw new InputFileError(fileProblem(error), { cause: error });
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new InputFileError(CODES.EISDIR);
    if (stat.isFile()) return { fd, size: stat.size };
    if ((stat.isFIFO() || stat.isSocket()) && HANDED_OVER.test(resolve(file))) return { fd, size: null };
    throw new InputFileError(`this is a ${stat.isFIFO() ? 'named pipe' : 'device'}, a file is wanted`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * UTF-8 text of a file.
 * @throws InputFileError
 */
export function readTextFile(file: string, maxBytes: number): string {
  const bytes = readBytes(file, maxBytes);
  if (bytes.includes(0)) throw new InputFileError('this is a binary file, YAML text is wanted');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new InputFileError('the file is not UTF-8 text', { cause: error });
  }
}

function readBytes(file: string, maxBytes: number): Buffer {
  const { fd, size } = openInput(file);
  try {
    if (size !== null && size > maxBytes) {
      throw new InputFileError(`the file has ${size} bytes, at most ${maxBytes} are read`);
    }
    // The size is only a hint: files of /proc have none, and a file may grow.
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      if (count === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
      length += count;
      if (length > maxBytes) throw new InputFileError(`the file has more than ${maxBytes} bytes, no more are read`);
    }
  } catch (error) {
    if (error instanceof InputFileError) throw error;
    throw new InputFileError(fileProblem(error), { cause: error });
  } finally {
    closeSync(fd);
  }
}
