/** What is known of a sampled request once it is over. */

/** As in the line that is written: what the client got; that a connection broke within the answer; that the client did not wait for it. */
export type Outcome = 'Answered' | 'BrokenOff' | 'ClientGone';

export interface Sample {
  /** In milliseconds since 1970; when it was let in. */
  readonly startedAt: number;
  readonly requestId: string;
  readonly namespace: string;
  readonly service: string;
  /** undefined where no pod answered. */
  readonly revision: string | undefined;
  readonly modelVersion: string | undefined;
  readonly isGrpc: boolean;
  readonly method: string;
  /** Without its query, in which people put keys. */
  readonly path: string;
  /** It is a copy, whose answer nobody got. */
  readonly isMirrored: boolean;
  readonly outcome: Outcome;
  /** The status of HTTP or the code of gRPC; undefined where there was none. */
  readonly code: number | undefined;
  readonly durationSeconds: number;
  readonly request: SampledBody;
  /** undefined where no answer began. */
  readonly answer: SampledBody | undefined;
  /** Bytes of memory that it takes, about. */
  readonly heldBytes: number;
}

/** What is kept of a body, and of the headers without which nobody could read it; of no others. */
export interface SampledBody {
  readonly contentType: string | undefined;
  /** Compression; undefined: none. */
  readonly contentEncoding: string | undefined;
  /** Of the binary extension of the Open Inference Protocol: how long the JSON before the tensors is. */
  readonly inferenceHeaderLength: number | undefined;
  /** All of it. */
  readonly bytes: number;
  /** Its beginning. */
  readonly start: Buffer;
}
