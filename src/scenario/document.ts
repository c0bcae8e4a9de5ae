/** A YAML file with positions, and the values that `--set` puts over it. */
import { basename } from 'node:path';
import { type Document, isMap, isScalar, type LineCounter, type Node, type Pair } from 'yaml';
import { type Problem, ScenarioError } from './problem.ts';
import { InputFileError, readTextFile } from './text-file.ts';
import { parseYaml, plainValue, YamlProblem, type YamlText } from './yaml.ts';

/** A scenario is a page of text; whatever is larger is another file given by mistake. */
const MAX_BYTES = 1024 * 1024;

/** A path of `--set` is a handful of keys; no document is deeper (see yaml.ts). */
const MAX_KEYS = 50;

const VERSIONED: readonly string[] = ['kubernetes', 'calico', 'cilium'];

const isVersionPath = (keys: readonly string[]): boolean =>
  keys.length === 2 && VERSIONED.includes(keys[0]!) && keys[1] === 'version';

export interface Override {
  /** `cilium.tunnelPort` */
  readonly path: string;
  /** YAML text. */
  readonly value: string;
  /** What messages call it; `--set PATH` unless given. */
  readonly source?: string;
  /** What paths in the value are relative to; the scenario's directory unless given. */
  readonly directory?: string;
}

type Fields = Record<string, unknown>;

/** How messages call the file, and how it starts. */
const KINDS = {
  scenario: { what: 'a scenario', hint: 'it starts with "schemaVersion: 1"' },
  values: { what: 'a values file', hint: 'such as "MTU: 1400"' },
} as const;

export class ScenarioDocument {
  readonly file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #value: Fields;
  /** By path. */
  readonly #overrides = new Map<string, Override & { readonly source: string }>();

  private constructor(file: string, document: Document, lines: LineCounter) {
    this.file = file;
    this.#document = document;
    this.#lines = lines;
    this.#value = plainValue(document) as Fields;
  }

  /**
   * @param file path for reading
   * @param shown the file as messages name it
   * @throws ScenarioError
   */
  static read(file: string, shown: string, kind: keyof typeof KINDS = 'scenario'): ScenarioDocument {
    return ScenarioDocument.parse(readText(file, shown), shown, kind);
  }

  /** @throws ScenarioError */
  static parse(text: string, shown: string, kind: keyof typeof KINDS = 'scenario'): ScenarioDocument {
    const { documents, lines } = parsed(text, shown);
    const { what, hint } = KINDS[kind];
    const problem = (message: string, offset?: number): ScenarioError => {
      const at = offset === undefined ? null : lines.linePos(offset);
      return problemOfFile(shown, message, at?.line ?? null, at?.col ?? null);
    };
    const [first, second] = documents;
    if (first === undefined) throw problem(`the file is empty; ${what} is a mapping of keys, ${hint}`);
    if (second !== undefined) throw problem(`${what} is one YAML document, this file has several`, second.range?.[0]);
    if (!isMap(first.contents)) throw problem(`${what} is a mapping of keys, ${hint}`, first.contents?.range?.[0] ?? 0);
    quoteVersions(first);
    return new ScenarioDocument(shown, first, lines);
  }

  /** Puts a value over the file's. @throws ScenarioError */
  set(override: Override): void {
    const keys = override.path.split('.');
    const source = override.source ?? `--set ${override.path}`;
    const bad = (message: string): ScenarioError => problemOfFile(source, message);
    if (keys.some((key) => key === '') || keys.length > MAX_KEYS) {
      throw bad('a path of keys joined by dots is wanted, such as cilium.tunnelPort=8473');
    }
    if (keys.includes('__proto__')) throw bad('__proto__ is not a key that can be used');
    let value = setValue(override.value, bad);
    // A version reads like a number: 1.30 must not become 1.3.
    if (isVersionPath(keys) && typeof value === 'number') value = override.value.trim();
    let at: Fields | unknown[] = this.#value;
    for (const [depth, key] of keys.entries()) {
      const last = depth === keys.length - 1;
      if (Array.isArray(at) && !(/^(0|[1-9]\d*)$/.test(key) && Number(key) <= at.length)) {
        throw bad(
          `${keys.slice(0, depth).join('.')} is a list of ${at.length}: an index from 0 to ${at.length} is wanted, not ${key}`,
        );
      }
      const found: unknown = Object.hasOwn(at, key) ? (at as Fields)[key] : undefined;
      // Aliases share what they stand for: what lies on the way is copied, so that only this place changes.
      const next: unknown = last ? value : Array.isArray(found) ? [...found] : isFields(found) ? { ...found } : {};
      (at as Fields)[key] = next;
      at = next as Fields;
    }
    this.#overrides.set(override.path, { ...override, source });
  }

  /** Plain values: what JSON can say. */
  toJs(): unknown {
    return this.#value;
  }

  /** Where a key stands: `lab.yaml:12:3: cilium.podCIDR`, or `--set PATH`; undefined when it is not there. */
  place(path: readonly string[]): string | undefined {
    if (!this.#has(path)) return undefined;
    const { where, line, column, path: shown } = this.problem(path, '', 'key');
    if (line === null) return this.#overrides.get(path.join('.'))?.source === where ? where : `${where}: ${shown}`;
    // The directory says nothing of the scenario, and events must not depend on it.
    return `${basename(where)}:${line}:${column}: ${shown}`;
  }

  /** Line and column of a key of the file; undefined where it is not there, or was put over it. */
  position(path: readonly string[]): { readonly line: number; readonly column: number } | undefined {
    if (!this.#has(path)) return undefined;
    const { line, column } = this.problem(path, '', 'key');
    return line === null || column === null ? undefined : { line, column };
  }

  /** What paths in the value of this key are relative to, where it was put over the file; undefined: the file's directory. */
  directoryOf(path: readonly string[]): string | undefined {
    for (let depth = path.length; depth > 0; depth--) {
      const override = this.#overrides.get(path.slice(0, depth).join('.'));
      if (override) return override.directory;
    }
    return undefined;
  }

  #has(path: readonly string[]): boolean {
    let at: unknown = this.#value;
    for (const key of path) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
      at = (at as Fields)[key];
    }
    return true;
  }

  /** A problem at a key: position of its value, or of the nearest key above that is there. */
  problem(path: readonly (string | number)[], message: string, at: 'key' | 'value' = 'value'): Problem {
    const plain = path.join('.');
    // Keys may hold anything, line breaks too; a message is one line.
    const shown = path.map((key) => (/^[\w-]+$/.test(String(key)) ? key : JSON.stringify(key))).join('.');
    for (let depth = path.length; depth > 0; depth--) {
      const above = path.slice(0, depth).join('.');
      const override = this.#overrides.get(above);
      if (override) return { where: override.source, line: null, column: null, path: shown, message };
    }
    // The key itself came with a longer path: `foo` of `--set foo.bar=1`.
    const longer = [...this.#overrides.values()].find((override) => override.path.startsWith(`${plain}.`));
    if (longer !== undefined && this.#nodeAt(path, 'key')?.range == null) {
      return { where: longer.source, line: null, column: null, path: shown, message };
    }
    for (let depth = path.length; depth > 0; depth--) {
      const node = this.#nodeAt(path.slice(0, depth), depth === path.length ? at : 'key');
      const offset = node?.range?.[0];
      if (offset !== undefined) {
        const { line, col } = this.#lines.linePos(offset);
        return { where: this.file, line, column: col, path: shown, message };
      }
    }
    return { where: this.file, line: 1, column: 1, path: shown, message };
  }

  #nodeAt(path: readonly (string | number)[], at: 'key' | 'value'): Node | undefined {
    const parent = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
    if (at === 'key' && isMap(parent)) {
      const pair = parent.items.find(
        (item: Pair) => isScalar(item.key) && String(item.key.value) === String(path.at(-1)),
      );
      return pair?.key as Node | undefined;
    }
    return (this.#document.getIn(path, true) as Node | undefined) ?? undefined;
  }
}

/** Text of a file that must be a reasonable text file. @throws ScenarioError */
export function readText(file: string, shown: string, maxBytes = MAX_BYTES): string {
  try {
    return readTextFile(file, maxBytes);
  } catch (error) {
    if (error instanceof InputFileError) throw problemOfFile(shown, error.message);
    throw error;
  }
}

/** @throws ScenarioError */
export function parsed(text: string, shown: string): YamlText {
  try {
    return parseYaml(text);
  } catch (error) {
    if (error instanceof YamlProblem) throw problemOfFile(shown, error.message, error.line, error.column);
    throw error;
  }
}

/** One problem of a file as a whole, or at a place in it. */
export function problemOfFile(
  where: string,
  message: string,
  line: number | null = null,
  column: number | null = null,
): ScenarioError {
  return new ScenarioError([{ where, line, column, path: '', message }]);
}

/** The value of `--set`: one YAML document. */
function setValue(text: string, bad: (message: string) => ScenarioError): unknown {
  try {
    const { documents } = parseYaml(text);
    if (documents.length > 1) throw bad('the value is one YAML document, not several');
    return documents[0] === undefined ? null : plainValue(documents[0]);
  } catch (error) {
    if (error instanceof YamlProblem)
      throw bad(`the value is ${error.message.replace(/^(?!not valid YAML)/, 'not usable: ')}`);
    throw error;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** Unquoted versions are numbers to YAML; their text is meant. */
function quoteVersions(document: Document): void {
  for (const component of VERSIONED) {
    const node = document.getIn([component, 'version'], true);
    if (isScalar(node) && typeof node.value === 'number' && node.source !== undefined) node.value = node.source;
  }
}
