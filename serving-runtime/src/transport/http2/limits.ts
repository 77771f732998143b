/**
 * What one peer may cost. Every way to make us work or hold memory for less than it costs the peer has its bound here; tests set
 * smaller ones.
 */
export interface PeerLimits {
  /** SETTINGS_MAX_HEADER_LIST_SIZE: bytes of the fields of a request or an answer, counted as HPACK does. */
  readonly maxHeaderListBytes: number;
  /** A header block as it came; beyond it the connection ends, because nobody knows how much would follow (CVE-2024-27983). */
  readonly maxHeaderBlockBytes: number;
  /** CONTINUATION frames of a block; a peer that means well needs none. */
  readonly maxContinuations: number;
  /** SETTINGS_HEADER_TABLE_SIZE: what HPACK remembers of a connection. */
  readonly headerTableBytes: number;
  /** Bytes of a body that may arrive before they are taken. */
  readonly streamWindowBytes: number;
  /** The same of a whole connection. */
  readonly connectionWindowBytes: number;
  /** Bytes that wait for a peer that does not read; with more, it is not read either. */
  readonly maxUnsentBytes: number;
  /**
   * Frames that ask for work and bring none (PING, SETTINGS, PRIORITY, empty DATA, WINDOW_UPDATE, unknown types): a bucket with
   * this many, refilled by so many a second, by answers, and by every frame of a body that is sent.
   */
  readonly idleFrames: Allowance;
  /** What a connection may still take, to read what we said last, before it is closed. */
  readonly closeMs: number;
}

/** What one client may cost. */
export interface Http2Limits extends PeerLimits {
  /** Connections at a time; more are closed at once. */
  readonly maxConnections: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS. More get REFUSED_STREAM, which tells a client that it may ask again. */
  readonly maxConcurrentStreams: number;
  /**
   * Requests of a connection that are worked on, also those that the client has cancelled but whose work has not ended: else
   * "open, cancel, open" has any number of them running (rapid reset, CVE-2023-44487).
   */
  readonly maxRunning: number;
  /** Bytes of answers that wait behind a client's flow control; beyond it its next requests get REFUSED_STREAM. */
  readonly maxBlockedBytes: number;
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
  /** How long a client that is told to go may take to show that it knows; until then what it asks is served. */
  readonly drainMs: number;
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
  drainMs: 10_000,
};
