/** What is known of a request while it is worked on, for whoever tells of it afterwards. There is none, and it costs nothing, while nobody wants to know. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestError } from '../protocol/errors.ts';
import type { Peer } from '../transport/peer.ts';
import type { RequestWatcher } from './request-watcher.ts';

export interface RequestFacts {
  readonly protocol: 'http' | 'grpc' | 'websocket';
  /** Of HTTP; POST for gRPC. */
  readonly method: string;
  /** Without the query; the method of gRPC is one too. */
  readonly path: string;
  /** Whether many inferences may come by it, each with an id of its own. */
  readonly isStream: boolean;
  readonly peer: Peer;
  /** Of a header of HTTP, or of gRPC's metadata; in small letters. */
  readonly header: (name: string) => string | undefined;
  /** The value of `x-request-id` in its answer; undefined where it has no head of its own, as a frame of a WebSocket. */
  readonly requestId: string | undefined;
  /** Of who asks, where it is known from the beginning. */
  readonly identity?: string | undefined;
}

export interface RequestRecord extends Omit<RequestFacts, 'requestId' | 'identity'> {
  /** Who is told of it. */
  readonly watchers: readonly RequestWatcher[];
  /** Of the clock of `performance.now`. */
  readonly started: number;
  requestId: string | undefined;
  /** Of its span, where there are traces. */
  traceId: string | undefined;
  /** Subject of the token, or name in the certificate. */
  identity: string | undefined;
  /** What the path matches, with `{model}` and `{version}` for those; undefined where nothing is. */
  route: string | undefined;
  model: string | undefined;
  version: string | undefined;
  /** Of all inferences of a stream together. */
  rows: number;
  /** From a parsed request to its results, waiting included. */
  inferenceMs: number;
  /** Of bodies or messages. */
  bytesIn: number;
  bytesOut: number;
  /** What the client was told. */
  failure: RequestError | undefined;
}

export const currentRequest = new AsyncLocalStorage<RequestRecord>();

export function createRecord(facts: RequestFacts, watchers: readonly RequestWatcher[]): RequestRecord {
  return {
    ...facts,
    watchers,
    started: performance.now(),
    traceId: undefined,
    identity: facts.identity ?? facts.peer.names[0],
    route: undefined,
    model: undefined,
    version: undefined,
    rows: 0,
    inferenceMs: 0,
    bytesIn: 0,
    bytesOut: 0,
    failure: undefined,
  };
}
