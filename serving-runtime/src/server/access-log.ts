/** A line of JSON for each request; never a header, never a payload. */
import { pino } from 'pino';
import { createRecord } from './request-record.ts';
import type { RequestFacts, RequestRecord } from './request-record.ts';

export interface AccessLog {
  begin(facts: RequestFacts): RequestRecord;
  /** @param status of HTTP, or of gRPC where that is the protocol. */
  end(record: RequestRecord, status: number): void;
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
    begin: createRecord,
    end: (record, status) => {
      if (which === 'errors' && !isFailure(record, status)) return;
      log.info(lineOf(record, status), 'request');
    },
    close: () => destination.flushSync(),
  };
}

function isFailure({ protocol }: RequestRecord, status: number): boolean {
  return protocol === 'grpc' ? status !== 0 : status >= 400;
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
  };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
