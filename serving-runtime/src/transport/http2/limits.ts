/**
 * What one client may cost. Every way to make a server work or hold memory for less than it costs the client has its bound here;
 * tests set smaller ones.
 */
export interface Http2Limits {
  /** Connections at a time; more are closed at once. */
  readonly maxConnections: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS. More get REFUSED_STREAM, which tells a client that it may ask again. */
  readonly maxConcurrentStreams: number;
  /**
   * Requests of a connection that are worked on, also those that the client has cancelled but whose work has not ended: else
   * "open, cancel, open" has any number of them running (rapid reset, CVE-2023-44487).
   */
  readonly maxRunning: number;
  /** SETTINGS_MAX_HEADER_LIST_SIZE: bytes of the fields of a request, counted as HPACK does. More get 431. */
  readonly maxHeaderListBytes: number;
  /** A header block as it came; beyond it the connection ends, because nobody knows how much would follow (CVE-2024-27983). */
  readonly maxHeaderBlockBytes: number;
  /** CONTINUATION frames of a block; a client that means well needs none. */
  readonly maxContinuations: number;
  /** SETTINGS_HEADER_TABLE_SIZE: what HPACK remembers of a connection. */
  readonly headerTableBytes: number;
  /** Bytes of a request's body that may arrive before its handler has taken them. */
  readonly streamWindowBytes: number;
  /** The same of a whole connection. It bounds what a connection can have us hold. */
  readonly connectionWindowBytes: number;
  /** Bytes that wait for a client that does not read; at this many its requests are not read either. */
  readonly maxUnsentBytes: number;
  /** Bytes of answers that wait behind a client's flow control; beyond it its next requests get REFUSED_STREAM. */
  readonly maxBlockedBytes: number;
  /**
   * Frames that ask for work and bring none (PING, SETTINGS, PRIORITY, empty DATA, WINDOW_UPDATE, unknown types): a bucket with
   * this many, refilled by so many a second, and by every frame of an answer.
   */
  readonly idleFrames: Allowance;
  /** Streams of a connection that were reset, by the client or for a fault of it; refilled by every answer it takes (CVE-2023-44487, CVE-2025-8671). */
  readonly resets: Allowance;
  /** The same of all connections from one address. */
  readonly resetsOfAddress: Allowance;
  /** From the connection to the end of its preface and first SETTINGS. */
  readonly prefaceMs: number;
  /** From the first byte of a frame or header block to its last. */
  readonly frameMs: number;
  /** Without a byte of progress while bytes wait for the client, in its socket or behind its flow control. */
  readonly stallMs: number;
  /** Without a stream; then the connection is drained. */
  readonly idleMs: number;
  /** What a connection may still take, to read what we said last, before it is closed. */
  readonly closeMs: number;
}

export interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

export const HTTP2_LIMITS: Http2Limits = {
  maxConnections: 10_000,
  maxConcurrentStreams: 128,
  maxRunning: 256,
  maxHeaderListBytes: 16 * 1024,
  maxHeaderBlockBytes: 32 * 1024,
  maxContinuations: 8,
  headerTableBytes: 4096,
  streamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
  maxUnsentBytes: 256 * 1024,
  maxBlockedBytes: 64 * 1024 * 1024,
  idleFrames: { burst: 1000, perSecond: 100 },
  resets: { burst: 200, perSecond: 20 },
  resetsOfAddress: { burst: 1000, perSecond: 100 },
  prefaceMs: 10_000,
  frameMs: 10_000,
  stallMs: 30_000,
  idleMs: 15 * 60_000,
  closeMs: 1000,
};
