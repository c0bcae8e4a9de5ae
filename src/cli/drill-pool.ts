/** Rows of a drill on as many cores as there are; results come back by the place of their task, whoever was first. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { RowResult, RowTask } from './drill-row.ts';

/** What a row came to; `crashed` is a bug of ours, with its stack. */
export type RowOutcome = { readonly result: RowResult } | { readonly crashed: string };

export interface PoolOptions {
  /** Cores to use; all unless given. */
  readonly jobs?: number;
  /** Ends all rows; the promise then rejects with its reason. */
  readonly signal: AbortSignal;
  /** Called as rows end. */
  readonly done?: (index: number, outcome: RowOutcome) => void;
}

/** @throws the signal's reason */
export async function runRows(tasks: readonly RowTask[], options: PoolOptions): Promise<RowOutcome[]> {
  const { signal, done } = options;
  const outcomes = new Array<RowOutcome>(tasks.length);
  let next = 0;
  const work = async (): Promise<void> => {
    let worker: Worker | undefined;
    try {
      while (next < tasks.length) {
        signal.throwIfAborted();
        const index = next++;
        worker ??= new Worker(new URL('./drill-worker.ts', import.meta.url));
        const outcome = await oneRow(worker, tasks[index]!, signal);
        outcomes[index] = outcome;
        done?.(index, outcome);
        // What crashed may have left anything behind.
        if ('crashed' in outcome) {
          await worker.terminate();
          worker = undefined;
        }
      }
    } finally {
      await worker?.terminate();
    }
  };
  const jobs = Math.max(1, Math.min(options.jobs ?? availableParallelism(), tasks.length));
  const works = await Promise.allSettled(Array.from({ length: jobs }, work));
  signal.throwIfAborted();
  for (const one of works) if (one.status === 'rejected') throw one.reason;
  return outcomes;
}

function oneRow(worker: Worker, task: RowTask, signal: AbortSignal): Promise<RowOutcome> {
  return new Promise((resolve, reject) => {
    const ended = (): void => {
      worker.off('message', answered).off('error', failed).off('exit', gone);
      signal.removeEventListener('abort', stop);
    };
    const answered = (answer: { result?: RowResult; error?: string }): void => {
      ended();
      resolve(answer.result ? { result: answer.result } : { crashed: answer.error ?? 'no answer' });
    };
    const failed = (error: unknown): void => {
      ended();
      resolve({ crashed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    };
    const gone = (code: number): void => failed(new Error(`the worker ended with exit code ${code}`));
    const stop = (): void => {
      ended();
      reject(signal.reason as Error);
    };
    worker.on('message', answered).on('error', failed).on('exit', gone);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    else worker.postMessage(task);
  });
}
