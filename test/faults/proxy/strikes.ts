/** Carries out what a plan says about one request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isWrite } from './api-request.ts';
import { answerStatus, cut, reset } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { Expiry } from './expiry.ts';
import type { Journal } from './journal.ts';
import { isWatchAction } from './plan.ts';
import type { Action, Fault } from './plan.ts';
import { relay, relayLagging, relayWatch, writeHead } from './relay.ts';
import { readAll } from './upstream.ts';
import type { Upstream } from './upstream.ts';

export interface StrikeDeps {
  readonly upstream: Upstream;
  readonly journal: Journal;
  readonly expiry: Expiry;
  readonly kill: () => Promise<void>;
  /** Requests that wait for `release`; each resolves with the code of its answer. */
  readonly held: (() => Promise<number>)[];
  readonly struck: Fault[];
}

const NOTHING = Buffer.alloc(0);

/** Passes a request on, unharmed. */
export async function forward(
  deps: StrikeDeps,
  exchange: Exchange,
  fault: Action['kind'] | '' = '',
  url?: string,
): Promise<void> {
  try {
    const answer = await send(deps, exchange, url);
    const code = answer.statusCode ?? 0;
    if (exchange.request.verb === 'watch' && code === 200) {
      record(deps, exchange, { code, response: NOTHING, fault });
      return await relayWatch(exchange, answer, deps.journal);
    }
    record(deps, exchange, { code, response: await relay(exchange, answer), fault });
  } catch {
    record(deps, exchange, { code: 0, response: NOTHING, fault });
    cut(exchange);
  }
}

export async function strike(deps: StrikeDeps, exchange: Exchange, fault: Fault): Promise<void> {
  const { action } = fault;
  switch (action.kind) {
    case 'killAfter':
    case 'dropAck':
      return strikeAnswer(deps, exchange, fault);
    case 'pretend':
      deps.struck.push(fault);
      return forward(deps, exchange, 'pretend', withQuery(exchange, 'dryRun', 'All'));
    case 'hold':
    case 'lateWrite':
      deps.struck.push(fault);
      deps.held.push(() => deliver(deps, exchange, action.kind));
      if (action.kind === 'lateWrite') await refuse(deps, exchange, action);
      return;
    case 'killBefore':
    case 'status':
    case 'reset':
      deps.struck.push(fault);
      record(deps, exchange, { code: answeredCode(action), response: NOTHING, fault: action.kind });
      return refuse(deps, exchange, action);
    default:
      return strikeRead(deps, exchange, fault);
  }
}

function answeredCode(action: Action): number {
  return action.kind === 'status' ? action.code : 0;
}

/** What the client sees of a request that does not go on. */
async function refuse(deps: StrikeDeps, exchange: Exchange, action: Action): Promise<void> {
  if (action.kind === 'status') return answerStatus(exchange, action.code, action.retryAfterSeconds);
  if (action.kind === 'reset') return reset(exchange);
  await deps.kill();
  cut(exchange);
}

/** The API server has done it; the client never learns. A refusal is passed on: there is no success worth losing. */
async function strikeAnswer(deps: StrikeDeps, exchange: Exchange, fault: Fault): Promise<void> {
  const answer = await send(deps, exchange).catch(() => undefined);
  const code = answer?.statusCode ?? 0;
  if (answer === undefined || code < 200 || code >= 300) {
    const response = answer === undefined ? NOTHING : await relay(exchange, answer);
    record(deps, exchange, { code, response, fault: '' });
    if (answer === undefined) cut(exchange);
    return;
  }
  record(deps, exchange, { code, response: await readAll(answer), fault: fault.action.kind });
  deps.struck.push(fault);
  if (fault.action.kind === 'killAfter') await deps.kill();
  cut(exchange);
}

async function strikeRead(deps: StrikeDeps, exchange: Exchange, fault: Fault): Promise<void> {
  const { action } = fault;
  const { verb } = exchange.request;
  if (action.kind === 'smallPages' && verb === 'list') {
    deps.struck.push(fault);
    return forward(deps, exchange, 'smallPages', withQuery(exchange, 'limit', '1'));
  }
  return verb === 'watch' ? strikeWatch(deps, exchange, fault) : forward(deps, exchange);
}

async function strikeWatch(deps: StrikeDeps, exchange: Exchange, fault: Fault): Promise<void> {
  const { action } = fault;
  if (action.kind === 'goneHTTP') {
    deps.struck.push(fault);
    deps.expiry.forget(exchange.incoming.url ?? '/');
    return refuseForgotten(deps, exchange);
  }
  const answer = await send(deps, exchange).catch(() => undefined);
  record(deps, exchange, { code: answer?.statusCode ?? 0, response: NOTHING, fault: action.kind });
  if (answer === undefined) return cut(exchange);
  if (isWatchAction(action)) {
    const onStrike = () => {
      deps.struck.push(fault);
      if (action.kind === 'goneInStream') deps.expiry.forget(exchange.incoming.url ?? '/');
    };
    return relayWatch(exchange, answer, deps.journal, { action, onStrike });
  }
  deps.struck.push(fault);
  if (action.kind === 'lag') await relayLagging(exchange, answer, deps.journal, action.ms);
}

/** What the API server says to a watch from a version that it has forgotten. */
export async function refuseForgotten(deps: StrikeDeps, exchange: Exchange): Promise<void> {
  record(deps, exchange, { code: 410, response: NOTHING, fault: 'goneHTTP' });
  answerStatus(exchange, 410, undefined);
}

/** Forwards a held request; whoever still waits for the answer gets it. */
async function deliver(deps: StrikeDeps, exchange: Exchange, fault: Action['kind']): Promise<number> {
  const answer = await send(deps, exchange);
  const code = answer.statusCode ?? 0;
  const response = await readAll(answer);
  record(deps, exchange, { code, response, fault });
  if (!exchange.gone.aborted) {
    writeHead(exchange, answer);
    (exchange.outgoing as ServerResponse).end(response);
  }
  return code;
}

function send(deps: StrikeDeps, exchange: Exchange, url = exchange.incoming.url ?? '/'): Promise<IncomingMessage> {
  const { incoming, body, request, gone } = exchange;
  const { method = 'GET', headers } = incoming;
  // What a client wrote before it died still arrives; what it asked for, nobody needs any more.
  return deps.upstream.send({ method, url, headers, body, ...(isWrite(request) ? {} : { signal: gone }) });
}

interface Outcome {
  /** 0 where the API server never answered. */
  readonly code: number;
  readonly response: Buffer;
  readonly fault: Action['kind'] | '';
}

function record(deps: StrikeDeps, exchange: Exchange, { code, response, fault }: Outcome): void {
  const userAgent = exchange.incoming.headers['user-agent'] ?? '';
  const { request, body, mark } = exchange;
  deps.journal.answered({ mark, request, userAgent, body, status: code, response, fault });
}

function withQuery({ incoming }: Exchange, name: string, value: string): string {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'https://api');
  searchParams.set(name, value);
  return `${pathname}?${searchParams.toString()}`;
}
