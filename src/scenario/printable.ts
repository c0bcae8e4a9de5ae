/**
 * Text from elsewhere in a message of ours: whatever stands in a file, a word of the command line or a name of a directory,
 * a message is one line, and a terminal takes no orders from it.
 */

/** Controls (C0, DEL, C1), line and paragraph separators, marks that turn the direction of writing, and the BOM. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * The text on one line: unsafe characters as `\u001b`, lone surrogates replaced, the middle left out above `most` characters.
 */
export function printable(text: string, most = 400): string {
  let cut = text;
  if (text.length > most) {
    const tail = Math.floor(most / 3);
    cut = `${text.slice(0, most - tail)}…${text.slice(text.length - tail)}`;
  }
  return cut
    .toWellFormed()
    .replace(UNSAFE, (char) => ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
