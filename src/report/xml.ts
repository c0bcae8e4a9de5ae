/** The little XML that JUnit needs. */

/**
 * Everything that XML 1.0 does not allow, escaped or not: control characters, halves of surrogate pairs, and the two
 * non-characters at the end of the basic plane. Error texts of probes and commands may hold any of them.
 */
const ILLEGAL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser would turn them into spaces (attributes) or line feeds (text).
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};

export function escapeText(text: string): string {
  return text.replace(ILLEGAL, '\ufffd').replace(/[&<>\r]/g, (char) => ENTITIES[char]!);
}

export function escapeAttribute(text: string): string {
  return text.replace(ILLEGAL, '\ufffd').replace(/[&<>"\r\n\t]/g, (char) => ENTITIES[char]!);
}

/** An element; children are lines of XML already. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  children: readonly string[] = [],
): string[] {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeAttribute(String(value))}"`);
  const open = `<${name}${written.join('')}`;
  return children.length === 0 ? [`${open}/>`] : [`${open}>`, ...children.map((line) => `  ${line}`), `</${name}>`];
}

/** An element that holds text. */
export function textElement(name: string, attributes: Readonly<Record<string, string>>, text: string): string[] {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeAttribute(value)}"`);
  return [`<${name}${written.join('')}>${escapeText(text)}</${name}>`];
}
