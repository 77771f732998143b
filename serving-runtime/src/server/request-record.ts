/** What is known of a request while it is worked on, for whoever tells of it afterwards. There is none, and it costs nothing, while nobody wants to know. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Peer } from '../transport/peer.ts';

export interface RequestFacts {
  readonly protocol: 'http' | 'grpc' | 'websocket';
  /** Of HTTP; POST for gRPC. */
  readonly method: string;
  /** Without the query; the method of gRPC is one too. */
  readonly path: string;
  readonly peer: Peer;
  /** Of who asks, where it is known from the beginning. */
  readonly identity?: string | undefined;
}

export interface RequestRecord extends Omit<RequestFacts, 'identity'> {
  /** Of the clock of `performance.now`. */
  readonly started: number;
  requestId: string | undefined;
  /** Subject of the token, or name in the certificate. */
  identity: string | undefined;
  model: string | undefined;
  version: string | undefined;
  /** Of all inferences of a stream together. */
  rows: number;
  /** From a parsed request to its results, waiting included. */
  inferenceMs: number;
  /** Of bodies or messages. */
  bytesIn: number;
  bytesOut: number;
}

export const currentRequest = new AsyncLocalStorage<RequestRecord>();

export function createRecord(facts: RequestFacts): RequestRecord {
  return {
    ...facts,
    started: performance.now(),
    requestId: undefined,
    identity: facts.identity ?? facts.peer.names[0],
    model: undefined,
    version: undefined,
    rows: 0,
    inferenceMs: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}
