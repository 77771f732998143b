/** What the head of a request says to gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
import type { RequestHead } from '../http2/exchange.ts';

export interface CallHead {
  readonly kind: 'call';
  /** How long the client waits; undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** How compressed messages are compressed. */
  readonly encoding: string | undefined;
}
/** No call of gRPC: the answer is one of HTTP. */
export interface NoCall {
  readonly kind: 'none';
  readonly status: string;
  readonly text: string;
}
/** A call of gRPC that says something wrong. */
export interface WrongCall {
  readonly kind: 'wrong';
  readonly message: string;
}

/** Without parameters, and in the one format of messages that there is here. */
const CONTENT_TYPE = /^application\/grpc(?:\+proto)?[ \t]*(?:;.*)?$/i;
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

export function readCallHead({ method, fields }: RequestHead): CallHead | NoCall | WrongCall {
  if (method !== 'POST') {
    return { kind: 'none', status: '405', text: 'This port speaks gRPC; ask with a gRPC client, or over HTTP/1.1.\n' };
  }
  let contentType = '';
  let timeout: string | undefined;
  let encoding: string | undefined;
  for (const { name, value } of fields) {
    if (name === 'content-type') contentType = value;
    else if (name === 'grpc-timeout') timeout = value;
    else if (name === 'grpc-encoding') encoding = value;
  }
  if (contentType !== 'application/grpc' && !CONTENT_TYPE.test(contentType)) {
    return { kind: 'none', status: '415', text: 'The content type of a request must be application/grpc.\n' };
  }
  const timeoutMs = timeout === undefined ? undefined : millisecondsOf(timeout);
  if (timeoutMs === 'wrong')
    return { kind: 'wrong', message: 'grpc-timeout must be up to 8 digits and one of H, M, S, m, u, n' };
  return { kind: 'call', timeoutMs, encoding };
}

function millisecondsOf(timeout: string): number | 'wrong' {
  const [, digits, unit = ''] = TIMEOUT.exec(timeout) ?? [];
  return digits === undefined ? 'wrong' : Number(digits) * (UNIT_MS[unit] ?? 0);
}
