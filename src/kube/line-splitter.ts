/** Cuts a stream of chunks into lines, whatever the chunk boundaries are. */

export interface LineSplitter {
  /** Takes a chunk; calls `onLine` for each line that it completes. */
  push(chunk: Uint8Array): void;
  /** The stream has ended: what is left without a newline was cut off and is dropped. Returns it. */
  end(): string;
}

/** A splitter at `\n`; a character that is cut in two by a chunk boundary is put together again. */
export function createLineSplitter(onLine: (line: string) => void): LineSplitter {
  const decoder = new TextDecoder();
  // Parts are joined only when a newline arrives: a large object comes in many chunks.
  let parts: string[] = [];
  const take = (text: string): void => {
    let rest = text;
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      parts.push(rest.slice(0, at));
      const line = parts.join('');
      parts = [];
      rest = rest.slice(at + 1);
      if (line !== '') onLine(line);
    }
    if (rest !== '') parts.push(rest);
  };
  return {
    push: (chunk) => take(decoder.decode(chunk, { stream: true })),
    end: () => parts.join(''),
  };
}
