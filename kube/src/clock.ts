export interface Timer {
  cancel(): void;
}

/** Time as an argument, so that tests turn it by hand (`testing/fake-clock.ts`). */
export interface Clock {
  now(): Date;
  /** Calls `fn` once after `ms` milliseconds. The timer keeps the program running: in a backoff there may be nothing else. */
  setTimeout(fn: () => void, ms: number): Timer;
}

export const realClock: Clock = {
  now: () => new Date(),
  setTimeout(fn, ms) {
    // Node fires a delay above 2^31-1 ms at once; 24 days later is soon enough to look again.
    const timer = setTimeout(fn, Math.min(ms, 2 ** 31 - 1));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `ms` milliseconds, or at once when the signal aborts. Never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = () => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
