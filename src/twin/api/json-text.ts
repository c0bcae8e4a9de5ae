/** What JSON.parse does not tell of a text: keys that stand twice, and errors in the words of Go's decoder. */

/** Paths of keys that stand twice in one object, as `data.k`, in the order of the text. The text must be valid JSON. */
export function duplicateKeys(text: string): string[] {
  const found: string[] = [];
  // Where the scan is: for every open object its keys so far and the path to it; for every open list its index.
  const open: ({ keys: Set<string>; path: string; key: string } | { index: number; path: string })[] = [];
  const pathHere = (): string => {
    const top = open.at(-1);
    if (top === undefined) return '';
    if ('index' in top) return `${top.path}[${top.index}]`;
    return top.path === '' ? top.key : `${top.path}.${top.key}`;
  };
  let expectsKey = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      const top = open.at(-1);
      if (expectsKey && top !== undefined && 'keys' in top) {
        top.key = JSON.parse(text.slice(at, end + 1)) as string;
        if (top.keys.has(top.key)) found.push(pathHere());
        top.keys.add(top.key);
        expectsKey = false;
      }
      at = end;
    } else if (character === '{') {
      open.push({ keys: new Set(), path: pathHere(), key: '' });
      expectsKey = true;
    } else if (character === '[') {
      open.push({ index: 0, path: pathHere() });
      expectsKey = false;
    } else if (character === '}' || character === ']') {
      open.pop();
      expectsKey = false;
    } else if (character === ',') {
      const top = open.at(-1);
      if (top !== undefined && 'index' in top) top.index += 1;
      else expectsKey = true;
    }
  }
  return found;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** How Go's encoding/json complains of a text that JSON.parse refuses. */
export function goSyntaxError(text: string): string {
  const trimmed = text.trim();
  let place = 0;
  try {
    JSON.parse(text);
  } catch (error) {
    const at = /position (\d+)/.exec(error instanceof Error ? error.message : '');
    place = at === null ? text.length : Number(at[1]);
  }
  if (trimmed === '' || place >= text.length) return 'unexpected end of JSON input';
  const character = text[place] ?? '';
  const where = place === text.search(/\S/) ? 'looking for beginning of value' : 'after object key:value pair';
  return `invalid character '${character}' ${where}`;
}
