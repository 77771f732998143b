/** What the gateway answers by itself, in the words of both protocols. */
import { encodeGrpcMessage } from '@slipway/serving-runtime/transport/grpc/grpc-message';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { EndpointPool } from '../routing/endpoint-pool.ts';

const CODES = {
  BadRequest: { http: 400, grpc: 3 },
  /** Who it is from is not said, or not in a way that can be believed. */
  NoToken: { http: 401, grpc: 16 },
  InvalidToken: { http: 401, grpc: 16 },
  NotAllowed: { http: 403, grpc: 7 },
  NoRoute: { http: 404, grpc: 5 },
  TooSlow: { http: 408, grpc: 4 },
  TooLarge: { http: 413, grpc: 8 },
  Unimplemented: { http: 501, grpc: 12 },
  /** The connection to the server broke. */
  Broken: { http: 502, grpc: 14 },
  Unavailable: { http: 503, grpc: 14 },
  DeadlineExceeded: { http: 504, grpc: 4 },
  Loop: { http: 508, grpc: 14 },
} as const;

export interface Refusal {
  readonly code: keyof typeof CODES;
  /** What is wrong, and what to do. */
  readonly message: string;
}

export const NO_GRPC: Refusal = {
  code: 'Unimplemented',
  message: 'the model server of this service does not speak gRPC: its runtime has no ports.grpc; ask over HTTP',
};

export function isRefusal(one: object): one is Refusal {
  return 'code' in one && 'message' in one;
}

export function noRoomIn({ endpoints }: EndpointPool): Refusal {
  const why = endpoints.length === 0 ? 'has no pod that is ready' : 'has as many requests as its pods can take';
  return { code: 'Unavailable', message: `the service ${why}; try again later` };
}

/** For metrics. */
export function codeOf({ code }: Refusal, isGrpc: boolean): string {
  return isGrpc ? String(CODES[code].grpc) : String(CODES[code].http);
}

/** What a client may do about it (RFC 6750, section 3). */
const MORE_FIELDS: Partial<Readonly<Record<Refusal['code'], HeaderField>>> = {
  NoToken: { name: 'www-authenticate', value: 'Bearer realm="slipway"' },
  InvalidToken: { name: 'www-authenticate', value: 'Bearer realm="slipway", error="invalid_token"' },
  Unavailable: { name: 'retry-after', value: '1' },
};

export interface RefusalAnswer {
  readonly fields: readonly HeaderField[];
  readonly body: Buffer | undefined;
}

export function refusalAnswer({ code, message }: Refusal, isGrpc: boolean, requestId: string): RefusalAnswer {
  const id = { name: 'x-request-id', value: requestId };
  if (isGrpc) {
    const fields = [
      { name: ':status', value: '200' },
      { name: 'content-type', value: 'application/grpc' },
      id,
      ...statusTrailers({ code, message }),
    ];
    return { fields, body: undefined };
  }
  const body = Buffer.from(JSON.stringify({ error: message }));
  const fields = [
    { name: ':status', value: String(CODES[code].http) },
    { name: 'content-type', value: 'application/json' },
    { name: 'content-length', value: String(body.length) },
    id,
    ...(MORE_FIELDS[code] === undefined ? [] : [MORE_FIELDS[code]]),
  ];
  return { fields, body };
}

export function statusTrailers({ code, message }: Refusal): HeaderField[] {
  return [
    { name: 'grpc-status', value: String(CODES[code].grpc) },
    { name: 'grpc-message', value: encodeGrpcMessage(message) },
  ];
}
