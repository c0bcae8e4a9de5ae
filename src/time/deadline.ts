import { type Deadline, DeadlineExceeded } from './clock.ts';

/** What a deadline needs from the clock that it runs on. */
export interface DeadlineTimer {
  now(): number;
  /** Runs `action` once after `ms` milliseconds; returns how to forget it. */
  after(ms: number, action: () => void): () => void;
}

/** The one implementation of {@link Deadline}, for every clock. */
export function startDeadline(timer: DeadlineTimer, limitMs: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  let left = limitMs;
  let since: number | undefined;
  let forget: (() => void) | undefined;
  let over = false;

  const finish = (): void => {
    over = true;
    if (since !== undefined) left -= timer.now() - since;
    since = undefined;
    forget?.();
    forget = undefined;
    parent?.removeEventListener('abort', onParent);
  };
  const onParent = (): void => {
    finish();
    controller.abort(parent?.reason);
  };
  const count = (): void => {
    since = timer.now();
    forget = timer.after(Math.max(0, left), () => {
      finish();
      controller.abort(new DeadlineExceeded(limitMs));
    });
  };

  if (parent?.aborted) {
    over = true;
    controller.abort(parent.reason);
  } else {
    parent?.addEventListener('abort', onParent, { once: true });
    count();
  }

  return {
    signal: controller.signal,
    remaining: () => Math.max(0, since === undefined ? left : left - (timer.now() - since)),
    pause: () => {
      if (over || since === undefined) return;
      left -= timer.now() - since;
      since = undefined;
      forget?.();
      forget = undefined;
    },
    resume: () => {
      if (!over && since === undefined) count();
    },
    clear: finish,
    [Symbol.dispose]: finish,
  };
}
