/** Open Inference Protocol v2 over HTTP/1.1. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { ERROR_CODES, invalid, RequestError, toRequestError } from '../protocol/errors.ts';
import { EXTENSIONS, PLATFORM } from '../protocol/inference.ts';
import { parseRestRequest } from '../protocol/rest-request.ts';
import { buildRestResponse } from '../protocol/rest-response.ts';
import { infer } from '../server/infer.ts';
import type { ServerContext } from '../server/context.ts';
import { readBody } from './read-body.ts';

const JSON_LIMIT = 4 * 1024 * 1024;
const BINARY_LIMIT = 64 * 1024 * 1024;
const MAX_CONNECTIONS = 4096;

interface Answer {
  readonly status: number;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Handler = (request: IncomingMessage, params: Params) => Answer | Promise<Answer>;

interface Params {
  readonly model: string;
  readonly version: string | undefined;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly pattern: RegExp;
  readonly handler: Handler;
}

const MODEL = '/v2/models/(?<model>[^/]+)(?:/versions/(?<version>[^/]+))?';

function routes(context: ServerContext): readonly Route[] {
  const { engine } = context;
  return [
    { method: 'GET', pattern: /^\/v2\/health\/live$/, handler: () => json(200, { live: true }) },
    { method: 'GET', pattern: /^\/v2\/health\/ready$/, handler: () => readiness(context) },
    { method: 'GET', pattern: /^\/v2\/?$/, handler: () => json(200, { ...context.identity, extensions: EXTENSIONS }) },
    {
      method: 'GET',
      pattern: new RegExp(`^${MODEL}/ready$`),
      handler: (_, { model, version }) => {
        const ready = engine.model(model, version).isReady();
        return json(ready ? 200 : 503, { name: model, ready });
      },
    },
    {
      method: 'GET',
      pattern: new RegExp(`^${MODEL}$`),
      handler: (_, { model, version }) => json(200, { ...engine.metadata(model, version), platform: PLATFORM }),
    },
    {
      method: 'POST',
      pattern: new RegExp(`^${MODEL}/infer$`),
      handler: (request, params) => inferOverRest(context, request, params),
    },
  ];
}

export function createHttpServer(context: ServerContext): Server {
  const table = routes(context);
  const server = createServer(
    { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2_000 },
    (request, response) => {
      void answer(table, request)
        .catch((cause: unknown) => {
          context.unexpected(cause);
          return errorAnswer(cause);
        })
        .then((result) => send({ context, request, response }, result));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function answer(table: readonly Route[], request: IncomingMessage): Promise<Answer> {
  const [path = ''] = (request.url ?? '').split('?');
  const matches = table.flatMap((route) => {
    const match = route.pattern.exec(path);
    return match === null ? [] : [{ route, match }];
  });
  if (matches.length === 0)
    throw new RequestError('NotFound', 'there is nothing at this path; GET /v2 describes the server');
  const found = matches.find(
    ({ route }) => route.method === request.method || (route.method === 'GET' && request.method === 'HEAD'),
  );
  if (found === undefined) throw new RequestError('MethodNotAllowed', `use ${matches[0]?.route.method} here`);
  const { model = '', version } = found.match.groups ?? {};
  return found.route.handler(request, {
    model: decoded(model),
    version: version === undefined ? undefined : decoded(version),
  });
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalid('the path holds a percent sign that escapes nothing');
  }
}

function readiness({ obstacle }: ServerContext): Answer {
  const why = obstacle();
  return why === undefined ? json(200, { ready: true }) : json(503, { ready: false, error: why });
}

async function inferOverRest(
  context: ServerContext,
  request: IncomingMessage,
  { model, version }: Params,
): Promise<Answer> {
  if (request.headers['content-encoding'] !== undefined && request.headers['content-encoding'] !== 'identity') {
    throw invalid('compressed bodies are not supported; send the request as it is');
  }
  const header = request.headers['inference-header-content-length'];
  const jsonLength = header === undefined ? undefined : Number(header);
  if ((jsonLength ?? 0) > JSON_LIMIT)
    throw new RequestError('TooLarge', `the JSON part may have at most ${JSON_LIMIT} bytes`);
  const body = await readBody(request, jsonLength === undefined ? JSON_LIMIT : BINARY_LIMIT);
  const parsed = parseRestRequest(body, jsonLength);
  const response = await infer(context, { name: model, version }, parsed);
  const built = buildRestResponse(response, parsed.isBinary);
  if (built.jsonLength === undefined) return { status: 200, body: built.body };
  const headers = {
    'inference-header-content-length': String(built.jsonLength),
    'content-type': 'application/octet-stream',
  };
  return { status: 200, body: built.body, headers };
}

function json(status: number, value: object): Answer {
  return { status, body: JSON.stringify(value) };
}

function errorAnswer(cause: unknown): Answer {
  const { code, message } = toRequestError(cause);
  return json(ERROR_CODES[code].http, { error: message });
}

function send(
  { context, request, response }: { context: ServerContext; request: IncomingMessage; response: ServerResponse },
  { status, body, headers = {} }: Answer,
): void {
  // What is left of a body that nobody read would be taken for the next request.
  const close = context.isDraining() || !request.complete;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': typeof body === 'string' ? Buffer.byteLength(body) : body.length,
    ...context.answerHeaders(),
    ...headers,
    ...(close ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
