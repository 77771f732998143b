import type { Clock } from './clock.ts';
import { KubeApiError, type Status, TransientError } from './errors.ts';
import type { KubeObject } from './types.ts';

export interface WatchEvent<T extends KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** A bookmark's object has a kind and a resourceVersion, and nothing else. */
  readonly object: T;
}

/**
 * Whether this bookmark ends the objects with which a watch without a version begins: they are complete, and of its version
 * (KEP-3157, "Allow informers for getting a stream of data instead of chunking").
 */
export function endsInitialEvents({ type, object }: WatchEvent<KubeObject>): boolean {
  return type === 'BOOKMARK' && object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true';
}

/**
 * The events of a watch: one JSON object a line.
 *
 * Ends when the server ends the stream between two lines. Throws KubeApiError for an ERROR event, TransientError with
 * reason `WatchCut` when the stream ends in the middle of a line, `WatchMalformed` for a line that is no event.
 */
export async function* watchEventsOf<T extends KubeObject>(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<WatchEvent<T>> {
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line =
        rest.length === 0
          ? chunk.toString('utf8', start, end)
          : Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
      rest = [];
      start = end + 1;
      if (line.trim() !== '') yield parseWatchEvent<T>(line);
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length > 0) throw new TransientError('WatchCut', 'the watch ended in the middle of an event');
}

const EVENT_TYPES: readonly unknown[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'];

function parseWatchEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let event: { type?: unknown; object?: { metadata?: { resourceVersion?: unknown } } };
  try {
    event = JSON.parse(line) as typeof event;
  } catch (cause) {
    throw new TransientError('WatchMalformed', 'the watch sent a line that is not JSON', { cause });
  }
  if (event.type === 'ERROR') throw watchError(event.object as Partial<Status> | undefined);
  if (!EVENT_TYPES.includes(event.type) || typeof event.object?.metadata?.resourceVersion !== 'string') {
    throw new TransientError('WatchMalformed', 'the watch sent something that is not an event');
  }
  return event as unknown as WatchEvent<T>;
}

function watchError(status: Partial<Status> | undefined): KubeApiError {
  const seconds = status?.details?.retryAfterSeconds;
  return new KubeApiError(
    {
      code: status?.code ?? 500,
      reason: status?.reason ?? '',
      message: status?.message ?? 'the watch reported an error',
    },
    { retryAfterMs: seconds === undefined || seconds <= 0 ? undefined : seconds * 1000 },
  );
}

/** Aborts `controller` when no chunk has passed for `ms` milliseconds: a connection that died without a word. */
export async function* withIdleLimit(
  chunks: AsyncIterable<Buffer>,
  limit: { readonly ms: number; readonly clock: Clock; readonly controller: AbortController },
): AsyncGenerator<Buffer> {
  const giveUp = () =>
    limit.controller.abort(new TransientError('WatchIdle', `the watch was silent for ${limit.ms} ms`));
  let timer = limit.clock.setTimeout(giveUp, limit.ms);
  try {
    for await (const chunk of chunks) {
      timer.cancel();
      timer = limit.clock.setTimeout(giveUp, limit.ms);
      yield chunk;
    }
  } finally {
    timer.cancel();
  }
}
