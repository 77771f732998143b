/**
 * Streams of inferences over WebSocket, at `/v2/models/{model}[/versions/{version}]/stream`. A text frame is the JSON of an infer
 * request, and its answer the JSON of a response; a binary frame is the length of its JSON as uint32 (little endian), the JSON, and
 * the bytes of the tensors, as in the binary tensor extension, and so is its answer. Answers come in the order of the requests; a
 * failure is a text frame `{"error": "…", "id": "…"}` and ends nothing.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { ERROR_CODES, invalid, toRequestError } from '../../protocol/errors.ts';
import type { RequestError } from '../../protocol/errors.ts';
import type { RestRequest } from '../../protocol/rest-request.ts';
import type { RestResponse } from '../../protocol/rest-response.ts';
import type { RequestObserver } from '../../server/request-watcher.ts';
import type { Authorize } from '../../server/access/access.ts';
import type { ServerContext } from '../../server/context.ts';
import { infer } from '../../server/infer.ts';
import { currentRequest } from '../../server/request-record.ts';
import type { RequestFacts } from '../../server/request-record.ts';
import type { Target } from '../../server/infer.ts';
import type { JsonCodec } from '../json/json-codec.ts';
import { errorAnswer } from './answer.ts';
import { BINARY_LIMIT, JSON_LIMIT } from './body-limits.ts';
import { authorized, factsOf } from './credentials.ts';
import { mayOpenWebSocket } from './cors.ts';
import type { HttpOptions } from './http-server.ts';
import { findRoute, route, routeName } from './routing.ts';
import { sendInTurn, watchArrival } from './web-socket-flow.ts';

/** Requests of one socket that run at a time; beyond it the client is not read until all of them have their answers. */
const MAX_RUNNING = 64;
const LENGTH_BYTES = 4;
const GOING_AWAY = 1001;
const DRAIN_LOOK_MS = 250;

export interface WebSocketOptions {
  /** Whose pages may ask; other clients than browsers always may. */
  readonly origins: readonly string[];
  /** undefined: everybody may ask. */
  readonly authorize: Authorize | undefined;
  /** Told of every frame; undefined: nobody is. */
  readonly observer: RequestObserver | undefined;
  readonly codec: JsonCodec;
}

export function createWebSockets(
  context: ServerContext,
  { origins, authorize, observer, codec }: WebSocketOptions,
): HttpOptions['onUpgrade'] {
  const server = new WebSocketServer({ noServer: true, maxPayload: BINARY_LIMIT, perMessageDeflate: false });
  const routes = [route('GET', '/v2/models/{model}[/versions/{version}]/stream', () => ({ status: 426, body: '' }))];
  const open = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    try {
      const { route: found, model, version } = findRoute(routes, request);
      const identity = await authorized(authorize, request);
      context.engine.model(model, version);
      if (!mayOpenWebSocket(request, origins)) throw invalid('pages of this origin may not ask this server');
      server.handleUpgrade(request, socket, head, (connection) => {
        watchArrival(connection, socket);
        serve(context, connection, {
          target: { name: model, version },
          route: routeName(found, version),
          facts: { ...factsOf(request, 'websocket'), identity },
          observer,
          codec,
        });
      });
    } catch (cause) {
      refuse(socket, cause);
    }
  };
  return (request, socket, head) => {
    socket.once('error', () => socket.destroy());
    void open(request, socket, head);
  };
}

function refuse(socket: Duplex, cause: unknown): void {
  const { status, body, headers = {} } = errorAnswer(cause);
  const head = [
    `HTTP/1.1 ${status} Refused`,
    'content-type: application/json',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${String(body)}`);
}

interface Stream {
  readonly target: Target;
  readonly route: string;
  readonly facts: RequestFacts;
  readonly observer: RequestObserver | undefined;
  readonly codec: JsonCodec;
}

function serve(context: ServerContext, connection: WebSocket, stream: Stream): void {
  const gone = new AbortController();
  let written: Promise<void> = Promise.resolve();
  let running = 0;
  const drain = setInterval(() => {
    if (context.isDraining()) void written.then(() => connection.close(GOING_AWAY, 'the server is shutting down'));
  }, DRAIN_LOOK_MS);
  connection.on('error', () => connection.terminate());
  connection.once('close', () => {
    gone.abort();
    clearInterval(drain);
  });
  connection.on('message', (data: Buffer, isBinary) => {
    const answer = answerFrame(context, stream, { data, isBinary, signal: gone.signal });
    running += 1;
    if (running >= MAX_RUNNING) connection.pause();
    written = written
      .then(async () => sendInTurn(connection, await answer))
      .finally(() => {
        running -= 1;
        if (running === 0) connection.resume();
      });
  });
}

interface Frame {
  readonly data: Buffer;
  readonly isBinary: boolean;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** Never rejects: a failure is an answer too. */
async function answerFrame(context: ServerContext, stream: Stream, frame: Frame): Promise<FrameAnswer> {
  const { facts, observer, route: name } = stream;
  if (observer === undefined) return inferFrame(context, stream, frame);
  const record = observer.begin(facts);
  record.route = name;
  const answer = await currentRequest.run(record, () => inferFrame(context, stream, frame));
  record.failure = answer.failure;
  record.bytesIn = frame.data.length;
  record.bytesOut = Buffer.byteLength(answer.message);
  // The status that it would have over HTTP.
  observer.end(record, answer.failure === undefined ? 200 : ERROR_CODES[answer.failure.code].http);
  return answer;
}

interface FrameAnswer {
  readonly message: string | Uint8Array;
  /** Whether the frame is; a text may come as its bytes. */
  readonly isBinary: boolean;
  /** undefined where it is none. */
  readonly failure: RequestError | undefined;
}

async function inferFrame(
  context: ServerContext,
  { target, codec }: Stream,
  { data, isBinary, signal }: Frame,
): Promise<FrameAnswer> {
  let id: string | undefined;
  try {
    if (!isBinary && data.length > JSON_LIMIT) throw invalid(`a text frame may have at most ${JSON_LIMIT} bytes`);
    const request = await (isBinary ? parseBinary(codec, data, signal) : codec.parseInfer(data, undefined, signal));
    ({ id } = request);
    const response = await infer(context, target, request, { signal, timeoutMs: request.timeoutMs });
    const built = await codec.buildInfer(response, request.binaryOutputs);
    return { message: isBinary ? withLength(built) : built.body, isBinary, failure: undefined };
  } catch (cause) {
    context.unexpected(cause);
    const failure = toRequestError(cause);
    const message = JSON.stringify({ error: failure.message, ...(id === undefined ? {} : { id }) });
    return { message, isBinary: false, failure };
  }
}

function parseBinary(codec: JsonCodec, data: Buffer, signal: AbortSignal): RestRequest | Promise<RestRequest> {
  const length = data.length < LENGTH_BYTES ? 0 : data.readUInt32LE();
  if (length === 0 || length > JSON_LIMIT)
    throw invalid('a binary frame begins with the length of its JSON as 4 bytes, little endian');
  return codec.parseInfer(data.subarray(LENGTH_BYTES), length, signal);
}

function withLength({ body, jsonLength }: RestResponse): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(jsonLength ?? body.length);
  return Buffer.concat([length, body]);
}
