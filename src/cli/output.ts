/** stdout carries results, stderr progress and messages; either of them closed, the run goes on. */

export interface Output {
  /** A result. */
  result(text: string): void;
  /** Progress or a message. */
  message(text: string): void;
  /** Is stderr a terminal that wants colour and a live status line? */
  readonly terminal: boolean;
  readonly colour: boolean;
  /** Columns of the terminal; 80 where there is none. */
  columns(): number;
}

export function processOutput(): Output {
  for (const stream of [process.stdout, process.stderr]) {
    // A closed pipe (`rehearse run | head`) ends the output, not the run; nobody is left to be told.
    stream.on('error', () => undefined);
  }
  const terminal = process.stderr.isTTY === true;
  return {
    result: (text) => write(process.stdout, text),
    message: (text) => write(process.stderr, text),
    terminal,
    colour: wantsColour(terminal, process.env),
    columns: () => process.stderr.columns ?? 80,
  };
}

/** https://no-color.org and FORCE_COLOR as Node reads it. */
export function wantsColour(terminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return terminal && env.TERM !== 'dumb';
}

function write(stream: NodeJS.WriteStream, text: string): void {
  if (!stream.writable) return;
  try {
    stream.write(text);
  } catch {
    // As above: a stream that went away between the check and the write.
  }
}

/** Resolves when everything written so far has been handed to the system. */
export async function flushed(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          if (!stream.writable || stream.writableLength === 0) resolve();
          else stream.write('', () => resolve());
        }),
    ),
  );
}
