/** What is gathered goes into a bundle: masked, bounded in size, with a list of what is in it and what is missing. */
import { maskLog } from '../events/mask-text.ts';

/** Where the files of a bundle go. */
export interface EvidenceDirectory {
  /**
   * Writes one file, whole. `name` is relative, with slashes.
   * @throws the system's error
   */
  write(name: string, content: string): void;
  /** An empty directory for the files of a command; left out where commands have no disk of this machine. */
  scratch?(): Scratch;
}

/** A directory of this machine that is removed when it is disposed of. */
export interface Scratch extends Disposable {
  readonly path: string;
  /** Every plain file in it by its relative name, sorted. */
  files(): readonly ScratchFile[];
}

export interface ScratchFile {
  readonly name: string;
  readonly bytes: number;
  /** The last bytes of it as text. @throws the system's error */
  tail(most: number): string;
}

export interface Entry {
  /** Relative to the bundle. */
  readonly file: string;
  /** For people. */
  readonly what: string;
  /** Of what is in the bundle. */
  readonly bytes: number;
  /** What was cut; '': nothing. */
  readonly note: string;
}

export interface Missing {
  readonly what: string;
  readonly why: string;
}

export interface BundleLimits {
  /** Bytes of all files together. */
  readonly total: number;
  /** Bytes of one file. */
  readonly file: number;
}

export const BUNDLE_LIMITS: BundleLimits = { total: 50 * 1024 * 1024, file: 2 * 1024 * 1024 };

/** Which end of a text is kept when it is too long. */
export type Keep = 'head' | 'tail';

export class Bundle {
  readonly entries: Entry[] = [];
  readonly missing: Missing[] = [];
  readonly #directory: EvidenceDirectory;
  readonly #limits: BundleLimits;
  #bytes = 0;

  constructor(directory: EvidenceDirectory, limits: BundleLimits = BUNDLE_LIMITS) {
    this.#directory = directory;
    this.#limits = limits;
  }

  /**
   * Puts a text in. Trouble with the disk is noted like anything else that could not be gathered.
   * @param masked it was masked already, as objects are by their keys
   * @returns the text as it stands in the bundle; null where it is not in it
   */
  add(file: string, what: string, content: string, { keep = 'tail' as Keep, masked = false } = {}): string | null {
    const safe = masked ? content : maskLog(content);
    const room = Math.min(this.#limits.file, this.#limits.total - this.#bytes);
    const size = Buffer.byteLength(safe);
    if (room < Math.min(size, 1024)) {
      this.lacks(what, `the bundle is full (${megabytes(this.#limits.total)})`);
      return null;
    }
    const { text, note } = size <= room ? { text: safe, note: '' } : cut(safe, size, room, keep);
    try {
      this.#directory.write(file, text);
    } catch (error) {
      this.lacks(what, `it could not be written (${systemWords(error)})`);
      return null;
    }
    const bytes = Buffer.byteLength(text);
    this.#bytes += bytes;
    this.entries.push({ file, what, bytes, note });
    return text;
  }

  lacks(what: string, why: string): void {
    this.missing.push({ what, why });
  }
}

/** At the end of a line, with a line in the text itself that says so. */
function cut(text: string, size: number, room: number, keep: Keep): { text: string; note: string } {
  const note = keep === 'tail' ? 'its beginning was cut' : 'its end was cut';
  const mark = `(${note}: it had ${megabytes(size)})`;
  // Characters of more than one byte may make it shorter than it could be, never longer.
  const bytes = Buffer.from(text);
  const inside = Math.max(0, room - Buffer.byteLength(mark) - 2);
  if (keep === 'head') {
    const head = bytes
      .subarray(0, inside)
      .toString()
      .replace(/\ufffd+$/, '');
    return { text: `${head.slice(0, head.lastIndexOf('\n') + 1 || undefined)}${mark}\n`, note };
  }
  const tail = bytes
    .subarray(size - inside)
    .toString()
    .replace(/^\ufffd+/, '');
  return { text: `${mark}\n${tail.slice(tail.indexOf('\n') + 1)}`, note };
}

export function megabytes(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** Without the path of this machine that the system's messages end with. */
function systemWords(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, \w+( '.*)?$/s, '');
}
