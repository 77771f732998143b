/** Cross-origin requests of browsers (https://fetch.spec.whatwg.org/#http-cors-protocol). */
import type { IncomingMessage } from 'node:http';

const ALLOWED_HEADERS = 'content-type, content-encoding, authorization, inference-header-content-length, x-request-id';
const EXPOSED_HEADERS = 'inference-header-content-length, x-request-id, x-slipway-revision';
const PREFLIGHT_SECONDS = 600;

/** undefined where the page may not ask, or is none. */
export function corsHeaders(
  { headers, method }: IncomingMessage,
  origins: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const { origin } = headers;
  if (origin === undefined || !isAllowed(origin, origins)) return undefined;
  const preflight = {
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  };
  return {
    'access-control-allow-origin': origins.includes('*') ? '*' : origin,
    'access-control-expose-headers': EXPOSED_HEADERS,
    vary: 'origin',
    ...(method === 'OPTIONS' ? preflight : {}),
  };
}

export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/** Browsers do not ask before they open a WebSocket, so it is the server that has to look. */
export function mayOpenWebSocket({ headers: { origin } }: IncomingMessage, origins: readonly string[]): boolean {
  return origin === undefined || isAllowed(origin, origins);
}

function isAllowed(origin: string, origins: readonly string[]): boolean {
  return origins.includes('*') || origins.includes(origin);
}
