/** Secrets in texts: tokens and private keys in any string, keyed values in documents and logs. */
import { isMap, isScalar, isSeq, parseAllDocuments, type Scalar, type YAMLMap } from 'yaml';
import { isSecretKey } from './secret-keys.ts';

/** What stands in a secret's place: plain text for YAML, Markdown and XML alike. */
export const MASKED = '(masked)';

/** Nothing of the rules below can match a text without one of these. */
const SUSPICIOUS =
  /secret|token|passw|passphrase|pwd|key|bearer|credential|auth|cookie|psk|dockerc|LS0tLS1CRUdJTi|eyJ|gh[opsur]_|:\/\/[^/\s]*@/i;

const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g;
/** base64 of `-----BEGIN`. */
const PEM_IN_BASE64 = /LS0tLS1CRUdJTi[A-Za-z0-9+/=]{16,}/g;
const JSON_WEB_TOKEN = /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g;
/** A word after "bearer" is a token only with a digit in it. */
const BEARER = /\b(bearer)(\s+)(?=\S*\d)[A-Za-z0-9._~+/=-]{8,}/gi;
const AUTHORIZATION = /\b(authorization["']?\s*[:=]\s*["']?(?:basic|bearer|negotiate)\s+)[^\s"',]+/gi;
const GITHUB_TOKEN = /\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})/g;
const URL_PASSWORD = /(:\/\/[^/\s:@]*):[^/\s@]+@/g;
/** `"password": "…"` inside a line of JSON. */
const JSON_PAIR = /"([^"\\\n]{1,80})"(\s*:\s*)"((?:[^"\\\n]|\\.)+)"/g;
/** `--token=…`, `--password …`. */
const FLAG = /(^|\s)--([a-z][a-z0-9-]*)([= ])(?!-)("[^"]*"|'[^']*'|\S+)/gi;
/** `PASSWORD=…`, `authToken=…`. */
const ASSIGNMENT = /(^|[\s,;])([A-Za-z_][A-Za-z0-9_.-]*)=("[^"]*"|'[^']*'|[^\s,;]+)/g;
/** A line of YAML or of a header. */
const YAML_LINE = /^([ \t]*(?:- +)?)(["']?)([A-Za-z0-9_./-]+)\2(:[ \t]+)(\S.*)$/gm;

/** A string that stands somewhere in an event. */
export function maskString(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return text
    .replace(PRIVATE_KEY, MASKED)
    .replace(PEM_IN_BASE64, (base64) => (isPrivateKey(base64) ? MASKED : base64))
    .replace(JSON_WEB_TOKEN, MASKED)
    .replace(AUTHORIZATION, `$1${MASKED}`)
    .replace(BEARER, `$1$2${MASKED}`)
    .replace(GITHUB_TOKEN, MASKED)
    .replace(URL_PASSWORD, `$1:${MASKED}@`)
    .replace(JSON_PAIR, (all, key: string, colon: string) => (holds(key) ? `"${key}"${colon}"${MASKED}"` : all))
    .replace(FLAG, (all, before: string, flag: string, glue: string) =>
      holds(flag) ? `${before}--${flag}${glue}${MASKED}` : all,
    )
    .replace(ASSIGNMENT, (all, before: string, key: string) => (holds(key) ? `${before}${key}=${MASKED}` : all));
}

/** A text that is a document of its own: as YAML or JSON where it is that, else line by line. */
export function maskText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return maskLog(maskDocuments(text) ?? text);
}

/** Line by line only, for texts of megabytes that are no documents: logs, what commands print. */
export function maskLog(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  const lines = text.replace(
    YAML_LINE,
    (all, indent: string, quote: string, key: string, colon: string, value: string) =>
      holds(key) && !/^(["']{2}|true|false|null|~|[|>{[][^ ]{0,2}|\(masked\))$/.test(value)
        ? `${indent}${quote}${key}${quote}${colon}${MASKED}`
        : all,
  );
  return maskString(lines);
}

function holds(key: string): boolean {
  return isSecretKey(key, {});
}

function isPrivateKey(base64: string): boolean {
  return Buffer.from(base64, 'base64').toString('latin1').includes('PRIVATE KEY');
}

/** The documents of a YAML or JSON text, comments and layout kept; undefined when it is none or holds no secret. */
function maskDocuments(text: string): string | undefined {
  // A log is no document; parsing megabytes of it to find that out is not worth it.
  if (!/^\s*[{[]/.test(text) && !/^[A-Za-z"'][^\n]*:(\s|$)/m.test(text)) return undefined;
  // Keys that stand twice are compared pair by pair, and pretty errors copy their lines: minutes for a megabyte (yaml 2.9.1).
  const documents = parseAllDocuments(text, { logLevel: 'silent', prettyErrors: false, uniqueKeys: false });
  if (!Array.isArray(documents) || documents.some((document) => document.errors.length > 0)) return undefined;
  let found = false;
  for (const document of documents) if (maskNode(document.contents)) found = true;
  if (!found) return undefined;
  return documents.map((document) => document.toString({ lineWidth: 0 })).join('');
}

function maskNode(node: unknown): boolean {
  if (isSeq(node)) return node.items.map(maskNode).includes(true);
  if (!isMap(node)) return false;
  const secret = node.get('kind') === 'Secret';
  const siblings = Object.fromEntries(node.items.map(({ key, value }) => [keyText(key), valueText(value)]));
  let found = false;
  for (const pair of node.items as YAMLMap<unknown, unknown>['items']) {
    const key = keyText(pair.key);
    if (secret && (key === 'data' || key === 'stringData')) found = maskLeaves(pair.value) || found;
    else if (isScalar(pair.value) && typeof pair.value.value === 'string') {
      if (pair.value.value !== '' && isSecretKey(key, siblings)) {
        maskScalar(pair.value);
        found = true;
      }
    } else found = maskNode(pair.value) || found;
  }
  return found;
}

function maskLeaves(node: unknown): boolean {
  if (!isMap(node)) return false;
  for (const { value } of node.items) {
    if (isScalar(value)) maskScalar(value);
  }
  return node.items.length > 0;
}

/** Quotes stay, without which JSON would be JSON no more; blocks of several lines go. */
function maskScalar(scalar: Scalar): void {
  scalar.value = MASKED;
  if (scalar.type?.startsWith('QUOTE') !== true) scalar.type = 'PLAIN';
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function valueText(value: unknown): unknown {
  return isScalar(value) ? value.value : null;
}
