/** A WebSocket through the gateway: once the server has taken it, bytes go both ways as they come. */
import { request as httpRequest, STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { chooseBackend } from '../routing/choose-backend.ts';
import type { Route } from '../routing/route.ts';
import type { CallDeps } from './deps.ts';
import { answerFields, requestFields } from './fields.ts';
import { fieldsOf } from './raw-headers.ts';
import { codeOf, refusalAnswer } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { report } from './report.ts';
import type { ProxiedRequest } from './request.ts';
import { stickyValueOf } from './sticky-value.ts';
import { requestOptions, watchConnecting } from './upstream/http1.ts';
import type { UpstreamRequest } from './upstream/upstream.ts';

/** From the request to the server's word that it takes it. */
const HANDSHAKE_MS = 10_000;
const UPGRADE: readonly HeaderField[] = [
  { name: 'connection', value: 'upgrade' },
  { name: 'upgrade', value: 'websocket' },
];

export interface Tunnel {
  readonly request: ProxiedRequest;
  readonly route: Route;
  readonly socket: Duplex;
  /** What the client has sent already. */
  readonly first: Buffer;
}

/** Resolves when both sides are closed. Never rejects. */
export async function carryWebSocket(
  deps: Pick<CallDeps, 'metrics' | 'now' | 'random'>,
  { request, route, socket, first }: Tunnel,
): Promise<void> {
  const { metrics, now, random } = deps;
  const { head, id, authority } = request;
  const { sticky } = route;
  const seen = { fields: head.fields, isGrpc: false, body: NOTHING };
  const value = sticky?.by === 'header' ? stickyValueOf(sticky, seen) : undefined;
  const backend = chooseBackend(route, value, random());
  const revision = metrics.of(route, backend);
  const startedAt = now();
  const endpoint = backend.pool.pick(now(), random);
  const refuse = (refusal: Refusal) => {
    refuseWebSocket(socket, refusal, id);
    revision.ended(false, codeOf(refusal, false), (now() - startedAt) / 1000);
  };
  if (endpoint === undefined) {
    refuse({ code: 'Unavailable', message: 'the service has no pod that can take a WebSocket now; try again later' });
    return;
  }
  const own = requestFields(head.fields, { requestId: id, isGrpc: false, timeLeftMs: undefined });
  const asked = { endpoint, port: backend.httpPort, method: 'GET', path: head.path, authority } as const;
  endpoint.inFlight += 1;
  revision.started();
  try {
    const outcome = await handshake({ ...asked, fields: [...own, ...UPGRADE], body: 'none' }, socket);
    if (outcome.kind === 'failed') {
      report(deps, { route, backend, endpoint }, outcome.isConnected ? 'failed' : 'unreached');
      refuse({ code: 'Broken', message: 'no server took the WebSocket; try again' });
      return;
    }
    report(deps, { route, backend, endpoint }, 'answered');
    const { response } = outcome;
    const fields = answerFields(fieldsOf(response.rawHeaders), { requestId: id, revision: backend.revision });
    const status = String(response.statusCode);
    if (outcome.kind === 'answered') {
      endWith(socket, [{ name: ':status', value: status }, ...fields], await bodyOf(response));
    } else {
      socket.write(headText(status, [...fields, ...UPGRADE]));
      await join(socket, outcome.socket, { first, serverFirst: outcome.first });
    }
    revision.ended(false, status, (now() - startedAt) / 1000);
  } finally {
    endpoint.inFlight -= 1;
    revision.left();
  }
}

const NOTHING = Buffer.alloc(0);

export function refuseWebSocket(socket: Duplex, refusal: Refusal, requestId: string): void {
  const { fields, body } = refusalAnswer(refusal, false, requestId);
  endWith(socket, fields, body);
}

type Handshake =
  | { readonly kind: 'taken'; readonly response: IncomingMessage; readonly socket: Duplex; readonly first: Buffer }
  | { readonly kind: 'answered'; readonly response: IncomingMessage }
  | { readonly kind: 'failed'; readonly isConnected: boolean };

function handshake(asked: UpstreamRequest, client: Duplex): Promise<Handshake> {
  return new Promise((resolve) => {
    let isConnected = false;
    const outgoing = httpRequest({ ...requestOptions(asked), agent: false });
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer in time')), HANDSHAKE_MS);
    const giveUp = () => void outgoing.destroy(new Error('the client has gone'));
    const settle = (outcome: Handshake) => {
      clearTimeout(timer);
      client.off('close', giveUp);
      resolve(outcome);
    };
    client.once('close', giveUp);
    watchConnecting(outgoing, () => (isConnected = true));
    outgoing.on('error', () => settle({ kind: 'failed', isConnected }));
    outgoing.on('response', (response) => settle({ kind: 'answered', response }));
    outgoing.on('upgrade', (response, socket, first) => settle({ kind: 'taken', response, socket, first }));
    outgoing.end();
  });
}

/** Resolves when both are closed. A side that ends or breaks ends the other. */
function join(
  client: Duplex,
  server: Duplex,
  { first, serverFirst }: { readonly first: Buffer; readonly serverFirst: Buffer },
): Promise<void> {
  if (serverFirst.length > 0) client.write(serverFirst);
  if (first.length > 0) server.write(first);
  client.pipe(server);
  server.pipe(client);
  return new Promise((resolve) => {
    let left = 2;
    for (const [side, other] of [
      [client, server],
      [server, client],
    ] as const) {
      side.on('error', () => side.destroy());
      side.once('close', () => {
        other.destroy();
        left -= 1;
        if (left === 0) resolve();
      });
    }
    if (client.destroyed) server.destroy();
  });
}

/** Of an answer that is no WebSocket: words of a refusal. */
const MAX_BODY_BYTES = 64 * 1024;

async function bodyOf(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) break;
      chunks.push(chunk);
    }
  } catch {
    // What has come is all that there is.
  }
  return Buffer.concat(chunks);
}

function endWith(socket: Duplex, fields: readonly HeaderField[], body: Uint8Array = NOTHING): void {
  const status = fields[0]?.value ?? '';
  const rest = fields.slice(1).filter(({ name }) => name !== 'content-length');
  const framing = [
    { name: 'content-length', value: String(body.length) },
    { name: 'connection', value: 'close' },
  ];
  socket.end(Buffer.concat([headText(status, [...rest, ...framing]), body]));
}

function headText(status: string, fields: readonly HeaderField[]): Buffer {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...fields.map(({ name, value }) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
