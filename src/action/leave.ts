/** Ends the process when all that was written has been handed to the system: a socket that is kept alive would hold it. */
export async function leave(code: number): Promise<never> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => (stream.writable ? void stream.write('', () => resolve()) : resolve())),
    ),
  );
  process.exit(code);
}
