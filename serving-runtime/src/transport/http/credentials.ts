/** Who asks over HTTP/1.1, and what for. */
import type { IncomingMessage } from 'node:http';
import { GATEWAY_TOKEN_HEADER } from '@slipway/crds/known-gateways';
import type { Authorize } from '../../server/access/access.ts';
import { requestIdOf } from '../../server/context.ts';
import { currentRequest } from '../../server/request-record.ts';
import type { RequestFacts } from '../../server/request-record.ts';
import { peerOf } from '../peer.ts';
import { pathOf } from './routing.ts';

/** Who asks, as its token or certificate says. @throws {RequestError} where it may not ask. */
export async function authorized(
  authorize: Authorize | undefined,
  { headers, socket }: IncomingMessage,
): Promise<string | undefined> {
  if (authorize === undefined) return undefined;
  const caller = await authorize({
    authorization: headers.authorization,
    gatewayToken: textOf(headers[GATEWAY_TOKEN_HEADER]),
    peerNames: peerOf(socket).names,
  });
  const record = currentRequest.getStore();
  if (record !== undefined) record.identity = caller.identity ?? record.identity;
  return caller.identity;
}

export function factsOf(request: IncomingMessage, protocol: 'http' | 'websocket'): RequestFacts {
  const { method = '', socket, headers } = request;
  return {
    protocol,
    method,
    path: pathOf(request),
    isStream: false,
    peer: peerOf(socket),
    header: (name) => textOf(headers[name]),
    requestId: protocol === 'http' ? requestIdOf(headers['x-request-id']) : undefined,
  };
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(', ');
}
