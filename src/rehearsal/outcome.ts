/** Why a rehearsal ends otherwise than green. The cause decides the verdict, not the moment (docs/guide.md, verdicts). */
import type { AssertionId } from '../events/events.ts';
import type { Reason, Verdict } from '../events/verdict.ts';
import { CommandNotFound, CommandNotModelled, CommandTimedOut, NOT_MODELLED } from '../host/host.ts';
import { ApiUnreachable, KubeError } from '../kube/api.ts';
import { causeOfCommand, isDaemonGone } from './causes.ts';

export type EndVerdict = Exclude<Verdict, 'interrupted'>;

/** Escape sequences of a terminal (ECMA-48), and every other control character but the line break. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go.
const CONTROLS = /\u001b\[[0-?]*[ -/]*[@-~]|[\u0000-\u0009\u000b-\u001f\u007f]/g;

/** The end of what somebody said about a failure: a command's stderr, a container's log. */
export interface FailureLog {
  /** Whose words these are, for people: `kind create cluster (stderr)`. */
  readonly of: string;
  readonly text: string;
}

/** An end whose cause is known. */
export class RehearsalFailure extends Error {
  override readonly name = 'RehearsalFailure';
  readonly verdict: Exclude<EndVerdict, 'passed'>;
  readonly reason: Reason;
  /** The checkpoint that judged it; null: it happened in a step, which is charged to the next checkpoint. */
  readonly checkpoint: string | null;
  /** Assertions that were not passed, where the failure is theirs. */
  readonly assertions: readonly AssertionId[];
  /** The log that shows it, where one is known already. */
  readonly log: FailureLog | null;

  constructor(
    verdict: Exclude<EndVerdict, 'passed'>,
    reason: Reason,
    message: string,
    options: { checkpoint?: string; cause?: unknown; assertions?: readonly AssertionId[]; log?: FailureLog } = {},
  ) {
    // What a broken tool answered may stand in it.
    super(message.replace(CONTROLS, ' ').toWellFormed(), { cause: options.cause });
    this.verdict = verdict;
    this.reason = reason;
    this.checkpoint = options.checkpoint ?? null;
    this.assertions = options.assertions ?? [];
    this.log = options.log ?? null;
  }
}

/** Thrown to leave the phases when the checkpoint of `--until` has passed. */
export class StoppedAsAsked extends Error {
  override readonly name = 'StoppedAsAsked';
}

/** Thrown by the abort signal's owner when a person or the system asks the run to end. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  constructor(signal: string) {
    super(`cancelled by ${signal}`);
  }
}

/** A command ended with an exit code that is no success. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly command: string;
  readonly exitCode: number;
  readonly stderr: string;
  constructor(command: string, exitCode: number, stderr: string) {
    const said = tellingLines(stderr);
    super(`${command}: ${exitText(exitCode)}${said === '' ? ' and said nothing' : `: ${said}`}`);
    this.command = command;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** A command could not be run, or its answer is nothing that such a command answers. */
export class CommandUnusable extends Error {
  override readonly name = 'CommandUnusable';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** Of exit codes above 128, as shells, Docker and Node's spawn make them of signals. */
const ENDED_BY: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  134: 'SIGABRT',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  141: 'SIGPIPE',
  143: 'SIGTERM',
};

function exitText(exitCode: number): string {
  const signal = ENDED_BY[exitCode];
  return `exit code ${exitCode}${signal === undefined ? '' : ` (ended by ${signal})`}`;
}

const MOST_TEXT = 600;

/** The last lines of what a command said, fit for a message whatever it was. */
export function lastLines(text: string): string {
  // Enough for three lines that can be read; a hundred megabytes are not split into lines.
  const lines = text
    .slice(-8 * MOST_TEXT)
    .replace(CONTROLS, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.slice(-3).join(' / ').slice(-MOST_TEXT).toWellFormed();
}

/**
 * kind and helm begin the line that says why with this, Go's runtime ends a program with that; what a child command printed,
 * or a stack, may stand behind it by the hundred.
 */
const ERROR_LINE = /^(ERROR|Error): (?!exit status)|(^|\s)(panic|fatal error): /;

/** kubeadm's own words inside of kind's, before a stack trace of Go (kubeadm 1.27 to 1.37). */
const KUBEADM_LINE = /^error(:| execution phase)|no space left on device/;

/** Docker's own, behind the whole `docker run` of a node. */
const DAEMON_LINE = /Error response from daemon: /;

/** The line that says why, where a command marks one, and the last ones; fit for a message whatever it was. */
export function tellingLines(text: string): string {
  const lines = text.split('\n');
  const error = lines.find((line) => ERROR_LINE.test(line));
  const last = lastLines(text);
  if (error === undefined) return last;
  const telling = /failed to (init|join) node/.test(error) ? KUBEADM_LINE : DAEMON_LINE;
  const inner = lines.filter((line) => line !== error && telling.test(line));
  if (inner.length > 0) return lastLines([error.replace(/: command "docker .*/, ''), ...inner.slice(-2)].join('\n'));
  const first = lastLines(error).slice(0, MOST_TEXT / 2);
  return last.includes(first) ? last : `${first.toWellFormed()} … ${last.slice(-MOST_TEXT / 2).toWellFormed()}`;
}

/** Which failure of our own machine an error tells of; undefined when it may as well be the cluster's. */
export function brokenTool(error: unknown): Reason | undefined {
  if (error instanceof CommandNotFound) return 'tool-missing';
  if (error instanceof CommandTimedOut || error instanceof CommandUnusable) return 'tool-failed';
  return error instanceof CommandFailed && isDaemonGone(error.stderr) ? 'tool-failed' : undefined;
}

/** Codes of the system when it has no room for what we write ourselves. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

function findsNoRoom(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    if (NO_ROOM.has((at as NodeJS.ErrnoException).code ?? '')) return true;
  }
  return false;
}

/** Is this error the twin's word for "not modelled"? */
export function isNotModelled(error: unknown): boolean {
  return (
    (error instanceof KubeError && error.code === 501) ||
    (error instanceof CommandFailed && error.exitCode === NOT_MODELLED) ||
    error instanceof CommandNotModelled
  );
}

export interface Moment {
  /** The baseline was green: from here on a failure says that the migration is unsafe. */
  readonly afterBaseline: boolean;
  readonly simulated: boolean;
  /** The signal of the run, aborted when it was cancelled. */
  readonly signal: AbortSignal;
}

function failureOfCommand(error: CommandFailed, step: string): RehearsalFailure {
  const { command, stderr } = error;
  const log = { of: `${command.split(' ').slice(0, 3).join(' ')} (stderr)`, text: stderr };
  const cause = causeOfCommand(command, stderr);
  if (cause) {
    const message = `${step}: ${cause.what}: ${error.message}; ${cause.remedy}`;
    return new RehearsalFailure(cause.verdict, cause.reason, message, { cause: error, log });
  }
  const reason = command.startsWith('kind create ') ? 'provision-failed' : 'tool-failed';
  return new RehearsalFailure('error', reason, `${step}: ${error.message}`, { cause: error, log });
}

/** The end that an error of a step means. `waitTimedOut` tells the errors of waits by what they are. */
export function failureOf(error: unknown, moment: Moment, step: string): RehearsalFailure {
  if (moment.signal.aborted) {
    const why = moment.signal.reason;
    return new RehearsalFailure('cancelled', 'cancelled', why instanceof Error ? why.message : 'cancelled', {
      cause: error,
    });
  }
  if (error instanceof RehearsalFailure) return error;
  const text = error instanceof Error ? error.message : String(error);
  const request = error instanceof KubeError || error instanceof ApiUnreachable ? ` (${error.request})` : '';
  const message = `${step}: ${text}${request}`;
  const end = (verdict: Exclude<EndVerdict, 'passed'>, reason: Reason): RehearsalFailure =>
    new RehearsalFailure(verdict, reason, message, { cause: error });
  if (moment.simulated && isNotModelled(error)) return end('not-modelled', 'not-modelled');
  if (error instanceof CommandNotFound) return end('error', 'tool-missing');
  if (error instanceof CommandTimedOut || error instanceof CommandUnusable) return end('error', 'tool-failed');
  if (error instanceof CommandFailed) return failureOfCommand(error, step);
  if (findsNoRoom(error)) return end('error', 'disk-full');
  if (error instanceof ApiUnreachable) {
    return moment.afterBaseline ? end('failed', 'control-plane-lost') : end('error', 'provision-failed');
  }
  // A server that only answers with its own trouble for as long as the patient API asks again.
  if (error instanceof KubeError && error.code >= 500 && moment.afterBaseline)
    return end('failed', 'control-plane-lost');
  if (error instanceof Error && (error.name === 'WaitTimeout' || error.name === 'DeadlineExceeded')) {
    return moment.afterBaseline ? end('failed', 'step-timed-out') : end('error', 'provision-failed');
  }
  if (error instanceof KubeError && (error.code === 400 || error.code === 422) && !moment.afterBaseline) {
    return end('refused', 'scenario-invalid');
  }
  return end('error', 'internal');
}
