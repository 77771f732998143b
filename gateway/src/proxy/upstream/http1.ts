/** HTTP/1.1 to pods, over connections that are kept. */
import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { fieldsOf, rawHeadersOf } from '../raw-headers.ts';
import type { Upstream, UpstreamCall, UpstreamEvents, UpstreamFailure, UpstreamRequest } from './upstream.ts';

export const CONNECT_MS = 1000;
/** A connection that is not used for so long is closed. */
const IDLE_MS = 60_000;
const MAX_IDLE_PER_POD = 256;

export function createHttp1Upstream(): Upstream & { readonly agent: Agent } {
  const agent = new Agent({
    keepAlive: true,
    maxFreeSockets: MAX_IDLE_PER_POD,
    scheduling: 'lifo',
    timeout: IDLE_MS,
  });
  return { agent, open: (request, events) => openCall(agent, request, events), close: () => agent.destroy() };
}

/** The request as Node's client takes it. Sent are the fields as they are; nothing is added but what frames the body. */
export function requestOptions({ endpoint, port, method, path, authority, fields, body }: UpstreamRequest) {
  const headers = ['host', authority, ...rawHeadersOf(fields)];
  if (body === 'chunks') headers.push('transfer-encoding', 'chunked');
  else if (body === 'none' && HAS_BODY_BY_DEFAULT.has(method)) headers.push('content-length', '0');
  return { host: endpoint.address, port, method, path, headers };
}

/** Where Node's client would announce a body in chunks. */
const HAS_BODY_BY_DEFAULT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

function openCall(agent: Agent, upstreamRequest: UpstreamRequest, events: UpstreamEvents): UpstreamCall {
  let isOver = false;
  let isConnected = false;
  let answer: IncomingMessage | undefined;
  const fail = (failure: UpstreamFailure) => {
    if (isOver) return;
    isOver = true;
    events.failed(failure);
  };
  const connections = upstreamRequest.isRepeated === true ? false : agent;
  const request = httpRequest({ ...requestOptions(upstreamRequest), agent: connections });
  watchConnecting(request, () => (isConnected = true));
  request.on('error', () => fail(isConnected || answer !== undefined ? 'broken' : 'unconnected'));
  request.on('drain', () => {
    if (!isOver) events.drained();
  });
  request.on('response', (response) => {
    answer = response;
    if (isOver) return;
    response.on('data', (chunk: Buffer) => {
      if (!isOver) events.data(chunk);
    });
    response.on('end', () => {
      if (isOver || !response.complete) return;
      isOver = true;
      events.ended(fieldsOf(response.rawTrailers));
    });
    response.on('error', () => fail('broken'));
    response.on('close', () => fail('broken'));
    events.answered({ status: response.statusCode ?? 0, fields: fieldsOf(response.rawHeaders), isLast: false });
  });
  return {
    write: (chunk) => request.write(chunk),
    end: () => void request.end(),
    pause: () => void answer?.pause(),
    resume: () => void answer?.resume(),
    cancel: () => {
      isOver = true;
      // Where both are complete, the connection is as good as before.
      if (answer?.complete === true && request.writableEnded) answer.resume();
      else request.destroy();
    },
  };
}

/** Tells when there is a connection, and ends the request when that takes too long. */
export function watchConnecting(request: ClientRequest, connected: () => void): void {
  request.once('socket', (socket: Socket) => {
    if (!socket.connecting) {
      connected();
      return;
    }
    const timer = setTimeout(() => socket.destroy(new Error('not connected in time')), CONNECT_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      connected();
    });
  });
}
