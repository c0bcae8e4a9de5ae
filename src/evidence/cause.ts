/** Which of the logs shows the cause, and its last lines. Pure. */
import { maskLog } from '../events/mask-text.ts';

export interface Tail {
  /** Whose words these are, for people. */
  readonly of: string;
  /** At most {@link MOST_LINES}. */
  readonly lines: readonly string[];
}

const MOST_LINES = 40;
/** The summary shows no more, and the first of them say why. */
const MOST_OF_PANIC = 15;
const MOST_CHARACTERS = 400;

/**
 * Of a text of events: the late warnings that speak of somebody who is blamed. What a cluster said while it was made
 * explains nothing later.
 * @param since RFC 3339
 */
export function warningsAbout(events: string, blamed: (line: string) => boolean, since: string): string {
  const seconds = (text: string): string => text.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
  return events
    .split('\n')
    .filter((line) => line.split(' ', 2)[1] === 'Warning' && seconds(line) >= seconds(since) && blamed(line))
    .join('\n');
}

/** What was gathered and may show the cause. */
export interface Candidate {
  readonly kind: 'pod-log' | 'agent-log' | 'journal' | 'events';
  readonly of: string;
  readonly text: string;
  /** The failure speaks of its pod or node. */
  readonly blamed: boolean;
  /** Of a container before its last start. */
  readonly previous?: boolean;
}

/** Lines that say that something is wrong: logrus, klog, slog and systemd, and words of panics. */
const WRONG =
  /level=(warn|error|fatal)|"level":"(warn|error|fatal)|\b[WEF]\d{4} |\b(WARN|ERROR|FATAL|panic:)|\[(WARNING|ERROR|FATAL)\]/i;

/**
 * @param known a command's stderr or a container's log that the failure brought along: nothing is better
 * @param nodeFailed a node itself did not come back: its kubelet knows why
 */
export function chooseTail(
  known: { readonly of: string; readonly text: string } | null,
  candidates: readonly Candidate[],
  nodeFailed: boolean,
): Tail | null {
  if (known && known.text.trim() !== '') return tailOf(known.of, maskLog(known.text));
  const blamed = candidates.filter((one) => one.blamed);
  const order: ((one: Candidate) => boolean)[] = [
    (one) => nodeFailed && one.kind === 'journal',
    (one) => one.kind === 'pod-log' && one.previous === true,
    (one) => one.kind === 'pod-log' && WRONG.test(one.text),
    (one) => one.kind === 'agent-log' && WRONG.test(one.text),
    (one) => one.kind === 'journal' && WRONG.test(one.text),
  ];
  for (const fits of order) {
    const found = blamed.find(fits);
    if (found) return tailOf(found.of, found.text, found.previous !== true);
  }
  const events = candidates.find(({ kind }) => kind === 'events');
  return events ? tailOf(events.of, events.text) : null;
}

/** Where Go says why it ends; a stack that explains nothing follows it by the page. */
const LAST_WORDS = /(^|\s)(panic: |fatal error: )/;

/** @param sift only lines that say that something is wrong, where there are any */
function tailOf(of: string, text: string, sift = false): Tail {
  const lines = text
    // Enough for the lines that are shown; megabytes are not split for them.
    .slice(-4 * MOST_LINES * MOST_CHARACTERS)
    .split('\n')
    .map((line) => printed(line))
    .filter((line) => line.trim() !== '');
  const panic = lines.findLastIndex((line) => LAST_WORDS.test(line));
  // With a word on what it did before.
  if (panic >= 0) return { of: printed(of), lines: lines.slice(Math.max(0, panic - 3)).slice(0, MOST_OF_PANIC) };
  const wrong = sift ? lines.filter((line) => WRONG.test(line)) : [];
  return { of: printed(of), lines: (wrong.length > 0 ? wrong : lines).slice(-MOST_LINES) };
}

/** Escapes of a terminal, and every other control character but the tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go.
const CONTROLS = /\u001b\[[0-?]*[ -/]*[@-~]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** A line of text and nothing else, whatever a log holds. */
function printed(line: string): string {
  return line.replace(CONTROLS, '').trimEnd().slice(0, MOST_CHARACTERS).toWellFormed();
}
