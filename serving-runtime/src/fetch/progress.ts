/** How far a fetch is. */
export interface Counters {
  files: number;
  /** Known from the list, if it has sizes. */
  totalFiles: number;
  bytes: number;
  totalBytes: number | undefined;
}

export interface ProgressFields {
  readonly files: string;
  readonly bytes: number;
  readonly totalBytes?: number;
  readonly bytesPerSecond: number;
  readonly secondsLeft?: number;
}

/** The rate is that since the last look, because a mean over all hides that nothing comes any more. */
export function describeProgress(now: Counters, before: { readonly bytes: number }, seconds: number): ProgressFields {
  const rate = Math.max(0, Math.round((now.bytes - before.bytes) / seconds));
  const left = now.totalBytes === undefined || rate === 0 ? undefined : Math.ceil((now.totalBytes - now.bytes) / rate);
  return {
    files: `${now.files}/${now.totalFiles}`,
    bytes: now.bytes,
    ...(now.totalBytes === undefined ? {} : { totalBytes: now.totalBytes }),
    bytesPerSecond: rate,
    ...(left === undefined ? {} : { secondsLeft: left }),
  };
}

/** Tells every `everyMs`, as long as something is under way. */
export function startProgress(
  counters: Counters,
  everyMs: number,
  tell: (fields: ProgressFields) => void,
): { stop: () => void } {
  let before = { bytes: counters.bytes, at: performance.now() };
  const timer = setInterval(() => {
    const at = performance.now();
    tell(describeProgress(counters, before, (at - before.at) / 1000));
    before = { bytes: counters.bytes, at };
  }, everyMs);
  return { stop: () => clearInterval(timer) };
}
