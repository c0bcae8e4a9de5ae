/**
 * YAML from people, held to what a JSON document can say: no keys twice, no aliases that explode or hold themselves, no tags,
 * no `.nan`, bounded depth. One problem a text, the first, with its offset. Linear in the text's length.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';

/** What is wrong, and where in the text; undefined where it is the text as a whole. */
export class YamlProblem extends Error {
  override readonly name = 'YamlProblem';
  readonly line: number | null;
  readonly column: number | null;
  constructor(message: string, position?: { readonly line: number; readonly col: number }) {
    super(message);
    this.line = position?.line ?? null;
    this.column = position?.col ?? null;
  }
}

export interface YamlText {
  readonly documents: readonly Document[];
  readonly lines: LineCounter;
}

/** Deeper than any object of Kubernetes; what reads values recursively must not run out of stack. */
const MAX_DEPTH = 100;
/** Nodes that aliases may stand for, in all. */
const MAX_ALIASED = 20_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: YAML 1.2, section 5.1: not printable, so not allowed.
const NOT_YAML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/;

/** Tags of YAML's core schema, which is JSON's. */
const CORE_TAGS: ReadonlySet<string> = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`),
);

/** The documents of a text, each safe for {@link plainValue}. @throws YamlProblem */
export function parseYaml(text: string): YamlText {
  const lines = new LineCounter();
  const raw = NOT_YAML.exec(text);
  if (raw !== null) {
    for (let at = text.indexOf('\n'); at !== -1 && at < raw.index; at = text.indexOf('\n', at + 1)) {
      if (lines.lineStarts.length === 0) lines.addNewLine(0);
      lines.addNewLine(at + 1);
    }
    if (lines.lineStarts.length === 0) lines.addNewLine(0);
    const code = raw[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    throw new YamlProblem(`the control character U+${code} is not allowed in YAML`, lines.linePos(raw.index));
  }
  // Its own check for keys that stand twice compares every pair of keys, and pretty errors copy their line each: both take
  // minutes for a megabyte (yaml 2.9.1).
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    logLevel: 'silent',
    merge: true,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
  });
  if (!Array.isArray(documents)) return { documents: [], lines };
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined)
      throw new YamlProblem(`not valid YAML: ${wordsOf(error.message)}`, lines.linePos(error.pos[0]));
    new Checked(lines).take(document.contents, 0);
  }
  return { documents, lines };
}

/** A document as JSON-like values; every call makes new ones. */
export function plainValue(document: Document): unknown {
  // Aliases have been counted.
  return document.toJS({ maxAliasCount: -1 });
}

function wordsOf(message: string): string {
  if (message.includes('call stack')) return TOO_DEEP;
  if (message.includes('stringKeys')) return 'a key is a text here, not a mapping, a list or an alias';
  return message.split('\n')[0]!;
}

const TOO_DEEP = `nested deeper than ${MAX_DEPTH} levels`;

interface Measure {
  /** Nodes, with what aliases stand for. */
  readonly size: number;
  /** Levels, with what aliases stand for. */
  readonly height: number;
  /** What `<<` may take keys from: a mapping, or a list of mappings. */
  readonly mergeable: 'map' | 'maps' | 'no';
}

const LEAF: Measure = { size: 1, height: 1, mergeable: 'no' };

/** The walk through one document. */
class Checked {
  readonly #lines: LineCounter;
  /** By anchor; `open` while its node is being walked. */
  readonly #anchors = new Map<string, Measure | 'open'>();
  #aliased = 0;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  take(node: unknown, depth: number): Measure {
    if (node === null || node === undefined) return LEAF;
    const at = node as Node;
    if (depth > MAX_DEPTH) throw this.#problem(`not valid YAML: ${TOO_DEEP}`, at);
    if (isAlias(at)) return this.#alias(at, at.source, depth);
    const { anchor, tag } = at as { anchor?: string; tag?: string };
    if (tag !== undefined && !CORE_TAGS.has(tag)) {
      throw this.#problem(
        `the tag ${tag.replace('tag:yaml.org,2002:', '!!')} is not known here; write the plain value`,
        at,
      );
    }
    if (anchor !== undefined) this.#anchors.set(anchor, 'open');
    const measure = this.#inside(at, depth);
    if (anchor !== undefined) this.#anchors.set(anchor, measure);
    return measure;
  }

  #inside(node: Node, depth: number): Measure {
    if (isScalar(node)) {
      if (typeof node.value === 'number' && !Number.isFinite(node.value)) {
        throw this.#problem(`${node.source ?? String(node.value)} is not a number that can be used`, node);
      }
      return LEAF;
    }
    let size = 1;
    let height = 0;
    let mergeable: Measure['mergeable'] = isMap(node) ? 'map' : 'maps';
    const add = (child: unknown): Measure => {
      const measure = this.take(child, depth + 1);
      size += measure.size;
      height = Math.max(height, measure.height);
      return measure;
    };
    if (isSeq(node)) for (const item of node.items) if (add(item).mergeable !== 'map') mergeable = 'no';
    if (isMap(node)) {
      const keys = new Set<unknown>();
      for (const { key, value } of node.items) {
        const word = isScalar(key) ? key.value : key;
        if (keys.has(word)) throw this.#problem(`not valid YAML: the key ${String(word)} stands twice`, key as Node);
        if (word === '__proto__') throw this.#problem('__proto__ is not a key that can be used', key as Node);
        keys.add(word);
        this.take(key, depth + 1);
        const measure = add(value);
        if (word === '<<' && measure.mergeable === 'no' && (key as { type?: string }).type === 'PLAIN') {
          throw this.#problem('not valid YAML: << takes a mapping, an alias of one, or a list of these', key as Node);
        }
      }
    }
    return { size, height: height + 1, mergeable };
  }

  #alias(node: Node, name: string, depth: number): Measure {
    const measure = this.#anchors.get(name);
    if (measure === undefined)
      throw this.#problem(`not valid YAML: there is no anchor &${name} above this alias`, node);
    if (measure === 'open')
      throw this.#problem(`not valid YAML: the alias *${name} stands inside of what it stands for`, node);
    this.#aliased += measure.size;
    if (this.#aliased > MAX_ALIASED) throw this.#problem(`aliases stand for more than ${MAX_ALIASED} values`, node);
    if (depth + measure.height > MAX_DEPTH) throw this.#problem(`not valid YAML: ${TOO_DEEP}`, node);
    return measure;
  }

  #problem(message: string, node: Node): YamlProblem {
    const offset = node.range?.[0];
    return new YamlProblem(message, offset === undefined ? undefined : this.#lines.linePos(offset));
  }
}
