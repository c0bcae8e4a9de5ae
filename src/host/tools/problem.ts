/**
 * Why a tool could not be had: `not-found` the version does not exist (or is no version), `network` it could not be fetched,
 * `rate-limited` the server asks to come back later, `checksum` what came is not what was published, `disk-full`, `unusable`
 * it is there and cannot be used (another platform, no program, a directory that cannot be written).
 */
export type ToolProblemCause = 'not-found' | 'network' | 'rate-limited' | 'checksum' | 'disk-full' | 'unusable';

/** A tool could not be set up; the message is one sentence with the remedy. */
export class ToolProblem extends Error {
  override readonly name = 'ToolProblem';
  override readonly cause: ToolProblemCause;
  /** The error behind it, where there is one. */
  readonly behind: unknown;
  constructor(cause: ToolProblemCause, message: string, behind?: unknown) {
    super(message);
    this.cause = cause;
    this.behind = behind;
  }
}

/** What an error of the file system means for a tool; undefined when it is none. */
export function diskProblem(error: unknown, what: string): ToolProblem | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ToolProblem('disk-full', `${what}: no space left on the disk; make room there`, error);
  }
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENAMETOOLONG'].includes(code ?? '')) {
    return new ToolProblem('unusable', `${what}: ${message}; name a directory that can be written`, error);
  }
  return undefined;
}
