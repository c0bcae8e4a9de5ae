/** A worker of the drill: runs the rows that it is handed, one at a time. */
import { parentPort } from 'node:worker_threads';
import { type RowTask, runRow } from './drill-row.ts';

const port = parentPort;
port?.on('message', (task: RowTask) => {
  // A worker that is not wanted any more is ended as a whole.
  runRow(task, new AbortController().signal).then(
    (result) => port.postMessage({ result }),
    (error: unknown) =>
      port.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
