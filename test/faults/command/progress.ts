/** What a person sees while the runs go on. Pure. */

export interface Progress {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** Milliseconds since the first of the plans began. */
  readonly elapsedMs: number;
}

/** For example `120 of 1480 · 2 failed · about 1 h 12 min left`. */
export function progressLine({ total, done, failed, elapsedMs }: Progress): string {
  const left = done === 0 ? '' : ` · about ${duration((elapsedMs / done) * (total - done))} left`;
  return `${done} of ${total} · ${failed === 0 ? 'none' : failed} failed${left}`;
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
