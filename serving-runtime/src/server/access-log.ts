/** A line of JSON for each request; never a header, never a payload. */
import { pino } from 'pino';
import type { RequestRecord } from './request-record.ts';
import { isFailure } from './request-watcher.ts';
import type { RequestWatcher } from './request-watcher.ts';

export interface AccessLog extends RequestWatcher {
  /** Writes what is not written yet. */
  close(): void;
}

/** Lines wait in memory while nobody reads them; beyond this they are dropped, so that a request never waits for its line. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** A path is what the client makes it. */
const MAX_PATH_LENGTH = 256;

/** @param fd a file descriptor. @param dropped told of each line that was. */
export function createAccessLog(which: 'errors' | 'all', dropped: () => void, fd = 1): AccessLog {
  const destination = pino.destination({ fd, sync: false, maxLength: MAX_WAITING_BYTES });
  destination.on('drop', dropped);
  // Nobody is there to read them any more: no reason to end with them.
  destination.on('error', dropped);
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return {
    ended: (record, status) => {
      if (which === 'errors' && !isFailure(record, status)) return;
      log.info(lineOf(record, status), 'request');
    },
    close: () => destination.flushSync(),
  };
}

function lineOf({ started, peer, path, rows, inferenceMs, ...record }: RequestRecord, status: number): object {
  return {
    requestId: record.requestId,
    protocol: record.protocol,
    method: record.method,
    path: path.slice(0, MAX_PATH_LENGTH),
    status,
    model: record.model,
    version: record.version,
    ...(record.model === undefined ? {} : { rows, inferenceMs: rounded(inferenceMs) }),
    durationMs: rounded(performance.now() - started),
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    peer: peer.address,
    identity: record.identity,
    traceId: record.traceId,
  };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
