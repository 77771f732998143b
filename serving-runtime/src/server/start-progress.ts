/** How far the start is, for whoever reads the log: also while one model takes long. */
import type { Logger } from 'pino';
import type { LoadingStep } from '../engine/engine.ts';

export interface StartProgress {
  loading(step: LoadingStep): void;
  /** A version is in memory. @param bytes of its files. */
  loaded(bytes: number): void;
  /** @param obstacle why it is not ready; undefined where it is. */
  ended(obstacle: string | undefined): void;
}

const REMINDER_MS = 10_000;

export function createStartProgress(log: Pick<Logger, 'info' | 'error'>): StartProgress {
  const started = performance.now();
  const done = { versions: 0, bytes: 0 };
  let step: LoadingStep | undefined;
  const facts = () => ({ seconds: Math.round(performance.now() - started) / 1000 });
  const reminder = setInterval(() => log.info({ ...step, ...facts() }, 'still loading'), REMINDER_MS).unref();
  return {
    loading: (next) => {
      step = next;
      reminder.refresh();
      log.info({ ...step, ...facts() }, 'loading');
    },
    loaded: (bytes) => {
      done.versions += 1;
      done.bytes += bytes;
    },
    ended: (obstacle) => {
      clearInterval(reminder);
      if (obstacle === undefined) log.info({ models: step?.total, ...done, ...facts() }, 'ready');
      else log.error({ obstacle, ...done, ...facts() }, 'not ready');
    },
  };
}
