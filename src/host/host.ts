/** The door to commands: `kind`, `helm`, `docker`, `cilium`. */

export interface CommandOptions {
  /** Text for the command's standard input. */
  readonly stdin?: string;
  /** Milliseconds after which the command is ended and {@link CommandTimedOut} thrown. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  /** 128 + n where signal n ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Host {
  /**
   * Runs a command without a shell and resolves whatever its exit code is.
   * @throws CommandNotFound, CommandTimedOut, CommandOutputTooLong, or the signal's reason.
   */
  run(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult>;
}

/** The command is not installed. */
export class CommandNotFound extends Error {
  override readonly name = 'CommandNotFound';
  readonly command: string;
  constructor(command: string) {
    super(`${command}: command not found`);
    this.command = command;
  }
}

/** The command did not end in time and was ended by us. */
export class CommandTimedOut extends Error {
  override readonly name = 'CommandTimedOut';
  readonly command: string;
  /** The end of what it had written to standard error. */
  readonly stderr: string;
  constructor(command: string, timeoutMs: number, stderr = '') {
    super(`${command} did not end within ${timeoutMs / 1000} s`);
    this.command = command;
    this.stderr = stderr;
  }
}

/** The command wrote more than any answer has, and was ended by us. */
export class CommandOutputTooLong extends Error {
  override readonly name = 'CommandOutputTooLong';
  readonly command: string;
  constructor(command: string, mostBytes: number) {
    super(`${command} wrote more than ${mostBytes / 1024 / 1024} MiB, more than any answer has, and was ended`);
    this.command = command;
  }
}

/** The embedded host has no model of what was asked: its answer says nothing about the cluster. */
export class CommandNotModelled extends Error {
  override readonly name = 'CommandNotModelled';
}

/** Exit code with which the twin's commands refuse what they do not model. */
export const NOT_MODELLED = 64;
