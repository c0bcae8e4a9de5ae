/** A YAML file with positions, and the values that `--set` puts over it. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parse,
  parseAllDocuments,
} from 'yaml';
import { type Problem, ScenarioError } from './problem.ts';

/** A scenario is a page of text; whatever is larger is another file given by mistake. */
const MAX_BYTES = 1024 * 1024;

const VERSIONED: readonly string[] = ['kubernetes', 'calico', 'cilium'];

const isVersionPath = (keys: readonly string[]): boolean =>
  keys.length === 2 && VERSIONED.includes(keys[0]!) && keys[1] === 'version';

export interface Override {
  /** `cilium.tunnelPort` */
  readonly path: string;
  /** YAML text. */
  readonly value: string;
}

export class ScenarioDocument {
  readonly file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #overrides = new Set<string>();

  private constructor(file: string, document: Document, lines: LineCounter) {
    this.file = file;
    this.#document = document;
    this.#lines = lines;
  }

  /**
   * @param file path for reading
   * @param shown the file as messages name it
   * @throws ScenarioError
   */
  static read(file: string, shown: string): ScenarioDocument {
    return ScenarioDocument.parse(readText(file, shown), shown);
  }

  /** @throws ScenarioError */
  static parse(text: string, shown: string): ScenarioDocument {
    const lines = new LineCounter();
    const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true });
    const problem = (message: string, offset?: number): ScenarioError => {
      const at = offset === undefined ? null : lines.linePos(offset);
      return new ScenarioError([{ where: shown, line: at?.line ?? null, column: at?.col ?? null, path: '', message }]);
    };
    if (!Array.isArray(documents) || documents.length === 0) {
      throw problem('the file is empty; a scenario starts with "schemaVersion: 1"');
    }
    for (const document of documents) {
      const [error] = document.errors;
      if (error !== undefined) {
        throw problem(
          `not valid YAML: ${error.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')}`,
          error.pos[0],
        );
      }
    }
    const [first, second] = documents;
    if (second !== undefined) throw problem('a scenario is one YAML document, this file has several', second.range[0]);
    if (!isMap(first!.contents))
      throw problem('a scenario is a mapping of keys that starts with "schemaVersion: 1"', 0);
    const scenario = new ScenarioDocument(shown, first!, lines);
    scenario.#quoteVersions();
    return scenario;
  }

  /** Puts a value over the file's. @throws ScenarioError */
  set(override: Override): void {
    const keys = override.path.split('.');
    const bad = (message: string): ScenarioError =>
      new ScenarioError([{ where: `--set ${override.path}`, line: null, column: null, path: '', message }]);
    if (override.path === '' || keys.some((key) => key === '')) {
      throw bad('a path of keys joined by dots is wanted, such as cilium.tunnelPort=8473');
    }
    let value: unknown;
    try {
      value = parse(override.value);
    } catch {
      throw bad(`the value is not valid YAML: ${override.value}`);
    }
    for (let depth = 1; depth < keys.length; depth++) {
      const parent = this.#document.getIn(keys.slice(0, depth), true);
      if (parent !== undefined && !isCollection(parent)) this.#document.deleteIn(keys.slice(0, depth));
    }
    // A version reads like a number: 1.30 must not become 1.3.
    const kept = isVersionPath(keys) && typeof value === 'number' ? override.value.trim() : value;
    this.#document.setIn(keys, this.#document.createNode(kept));
    this.#overrides.add(override.path);
  }

  /** Unquoted versions are numbers to YAML; their text is meant. */
  #quoteVersions(): void {
    for (const component of VERSIONED) {
      const node = this.#document.getIn([component, 'version'], true);
      if (isScalar(node) && typeof node.value === 'number' && node.source !== undefined) node.value = node.source;
    }
  }

  /** Plain values. @throws ScenarioError for aliases that explode. */
  toJs(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      throw new ScenarioError([
        {
          where: this.file,
          line: null,
          column: null,
          path: '',
          message: error instanceof Error ? error.message : String(error),
        },
      ]);
    }
  }

  has(path: readonly (string | number)[]): boolean {
    return this.#document.hasIn(path);
  }

  /** Where a key stands: `lab.yaml:12:3: cilium.podCIDR`, or `--set PATH`; undefined when it is not there. */
  place(path: readonly string[]): string | undefined {
    if (!this.has(path)) return undefined;
    const { where, line, column, path: shown } = this.problem(path, '', 'key');
    if (line === null) return where === `--set ${shown}` ? where : `${where}: ${shown}`;
    // The directory says nothing of the scenario, and events must not depend on it.
    return `${basename(where)}:${line}:${column}: ${shown}`;
  }

  /** A problem at a key: position of its value, or of the nearest key above that is there. */
  problem(path: readonly (string | number)[], message: string, at: 'key' | 'value' = 'value'): Problem {
    const plain = path.join('.');
    // Keys may hold anything, line breaks too; a message is one line.
    const shown = path.map((key) => (/^[\w-]+$/.test(String(key)) ? key : JSON.stringify(key))).join('.');
    for (let depth = path.length; depth > 0; depth--) {
      const above = path.slice(0, depth).join('.');
      if (this.#overrides.has(above))
        return { where: `--set ${above}`, line: null, column: null, path: shown, message };
    }
    // The key itself came with a longer path: `foo` of `--set foo.bar=1`.
    const longer = [...this.#overrides].find((override) => override.startsWith(`${plain}.`));
    if (longer !== undefined && this.#nodeAt(path, 'key')?.range == null) {
      return { where: `--set ${longer}`, line: null, column: null, path: shown, message };
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
  const bad = (message: string): ScenarioError =>
    new ScenarioError([{ where: shown, line: null, column: null, path: '', message }]);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw bad('there is no such file');
    if (code === 'EISDIR') throw bad('this is a directory, a file is wanted');
    if (code === 'EACCES') throw bad('the file cannot be read: permission denied');
    throw bad(`the file cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (bytes.length > maxBytes) throw bad(`the file has ${bytes.length} bytes, at most ${maxBytes} are read`);
  if (bytes.includes(0)) throw bad('this is a binary file, YAML text is wanted');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw bad('the file is not UTF-8 text');
  }
}
