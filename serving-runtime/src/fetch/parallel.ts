/** Does `work` for each item, at most `limit` at a time. The first failure stops the others through their signal. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && !either.aborted) {
      const index = next++;
      results[index] = await work(items[index] as T, either);
    }
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, worker);
  try {
    await Promise.all(workers);
  } catch (cause) {
    stop.abort(cause);
    await Promise.allSettled(workers);
    throw cause;
  }
  signal.throwIfAborted();
  return results;
}
