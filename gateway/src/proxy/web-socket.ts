/** A WebSocket through the gateway: once the server has taken it, bytes go both ways as they come. */
import { request as httpRequest, STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { Route } from '../routing/route.ts';
import type { CallDeps } from './deps.ts';
import { answerFields, requestFields } from './fields.ts';
import { fieldsOf } from './raw-headers.ts';
import { codeOf, refusalAnswer } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { report } from './report.ts';
import type { ProxiedRequest } from './request.ts';
import { requestOptions, watchConnecting } from './upgrade-request.ts';
import type { UpstreamRequest } from './upstream/upstream.ts';
import type { Destination } from './waiting-line.ts';
import { findPod } from './web-socket-pod.ts';

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

type Deps = Pick<CallDeps, 'metrics' | 'now' | 'random' | 'waitingRoom'>;

const UNREACHED: Refusal = { code: 'Broken', message: 'no server took the WebSocket; try again' };
const CLIENT_GONE = '499';

/** Resolves when both sides are closed. Never rejects. */
export async function carryWebSocket(deps: Deps, tunnel: Tunnel): Promise<void> {
  const { metrics, now } = deps;
  const { request, socket, route } = tunnel;
  const startedAt = now();
  const ended = (of: Pick<Destination, 'route' | 'backend'>, code: string, answeredAt = now()) => {
    const took = { toHead: (answeredAt - startedAt) / 1000, toEnd: (now() - startedAt) / 1000 };
    metrics.of(of.route, of.backend).ended(false, code, took);
  };
  let last: Pick<Destination, 'route' | 'backend'> = { route, backend: route.stable };
  for (let isBack = false; ; isBack = true) {
    const found = await findPod(deps, { request, route, socket, startedAt, isBack });
    if (typeof found === 'object' && 'endpoint' in found) {
      last = found;
      const answer = await carryTo(deps, tunnel, found);
      if (answer !== undefined) {
        ended(found, answer.code, answer.at);
        return;
      }
      if (route.hold !== undefined && !socket.destroyed) continue;
    }
    const refusal = typeof found === 'object' && 'code' in found ? found : UNREACHED;
    const hasGone = found === 'gone' || socket.destroyed;
    if (!hasGone) refuseWebSocket(socket, refusal, request.id);
    ended(last, hasGone ? CLIENT_GONE : codeOf(refusal, false));
    return;
  }
}

/** What was answered to the handshake and when, for metrics. */
interface Answer {
  readonly code: string;
  readonly at: number;
}

/** Resolves when both sides are closed; with undefined where the pod could not be reached. */
async function carryTo(deps: Deps, tunnel: Tunnel, to: Destination): Promise<Answer | undefined> {
  const { route, backend, endpoint } = to;
  const { request, socket, first } = tunnel;
  const { head, id, authority } = request;
  const own = requestFields(head.fields, { requestId: id, isGrpc: false, timeLeftMs: undefined });
  const asked = { endpoint, port: backend.httpPort, method: 'GET', path: head.path, authority } as const;
  const revision = deps.metrics.of(route, backend);
  revision.started();
  try {
    const outcome = await handshake({ ...asked, fields: [...own, ...UPGRADE], body: 'none' }, socket);
    const at = deps.now();
    if (outcome.kind === 'failed') {
      report(deps, to, outcome.isConnected ? 'failed' : 'unreached');
      if (!outcome.isConnected) return undefined;
      refuseWebSocket(socket, UNREACHED, id);
      return { code: codeOf(UNREACHED, false), at };
    }
    report(deps, to, 'answered');
    const { response } = outcome;
    const fields = answerFields(fieldsOf(response.rawHeaders), { requestId: id, revision: backend.revision });
    const code = String(response.statusCode);
    if (outcome.kind === 'answered') {
      endWith(socket, [{ name: ':status', value: code }, ...fields], await bodyOf(response));
    } else {
      socket.write(headText(code, [...fields, ...UPGRADE]));
      await join(socket, outcome.socket, { first, serverFirst: outcome.first });
    }
    return { code, at };
  } finally {
    endpoint.inFlight -= 1;
    revision.left();
    deps.waitingRoom.roomLeft(route);
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
