/** What the head of a request asks for, and whether it can be handed on. */
import { randomUUID } from 'node:crypto';
import { readCallHead } from '@slipway/serving-runtime/transport/grpc/call-head';
import type { RequestHead } from '@slipway/serving-runtime/transport/http2/exchange';
import { hostNameOf } from '../routing/host-name.ts';
import { isRepeatable, isStream } from '../routing/retry.ts';
import { wentThroughGateway } from './fields.ts';
import { valueOf } from './raw-headers.ts';
import type { Refusal } from './refusal.ts';
import type { UpstreamRequest } from './upstream/upstream.ts';

export type Front = 'http1' | 'http2';

export interface ProxiedRequest {
  readonly head: RequestHead;
  readonly id: string;
  readonly isGrpc: boolean;
  /** As the client gave it: servers see the same. */
  readonly authority: string;
  readonly hostName: string;
  readonly body: UpstreamRequest['body'];
  /** How long the client waits, in milliseconds; undefined: it does not say. */
  readonly timeoutMs: number | undefined;
  readonly isIdempotent: boolean;
  readonly isStream: boolean;
}

/** What can stand in a header and a log line as it is; as the model server has it. */
const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/;
const METHOD = /^[A-Za-z!#$%&'*+.^_`|~-][0-9A-Za-z!#$%&'*+.^_`|~-]*$/;
/** What stands in a request line of HTTP/1.1 without ending it. */
const PATH = /^(?:\/[\x21-\x7e\x80-\xff]*|\*)$/;

export function requestIdOf(given: string | undefined): string {
  return given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
}

export function readRequest(head: RequestHead, front: Front): ProxiedRequest | Refusal {
  const { method, path, fields } = head;
  const wrong = whatIsWrong(head);
  if (wrong !== undefined) return bad(wrong);
  if (wentThroughGateway(fields))
    return { code: 'Loop', message: 'the request came from a gateway; a route leads back to the gateways' };
  const authority = authorityOf(head);
  const call = front === 'http2' ? readCallHead(head) : undefined;
  if (call?.kind === 'wrong') return bad(call.message);
  const isGrpc = call?.kind === 'call';
  return {
    head,
    id: requestIdOf(valueOf(fields, 'x-request-id')),
    isGrpc,
    authority,
    hostName: hostNameOf(authority) ?? '',
    body: bodyOf(head, front),
    timeoutMs: call?.kind === 'call' ? call.timeoutMs : undefined,
    isIdempotent: isRepeatable({ method, path, isGrpc }),
    isStream: isStream({ path, isGrpc }),
  };
}

function authorityOf({ authority, fields }: RequestHead): string {
  return authority ?? valueOf(fields, 'host') ?? '';
}

function whatIsWrong(head: RequestHead): string | undefined {
  const { method, path, fields } = head;
  const authority = authorityOf(head);
  const hosts = fields.filter(({ name }) => name === 'host');
  if (!METHOD.test(method)) return 'the method is none';
  if (!PATH.test(path)) return 'the path must begin with / and hold no blanks';
  if (authority === '') return 'the request names no host; send Host or :authority';
  if (hosts.length > 1) return 'there is more than one Host';
  return hosts.every(({ value }) => value === authority) ? undefined : 'Host and :authority name two hosts';
}

function bad(message: string): Refusal {
  return { code: 'BadRequest', message };
}

function bodyOf({ fields }: RequestHead, front: Front): UpstreamRequest['body'] {
  if (valueOf(fields, 'content-length') !== undefined) return 'length';
  // HTTP/2 tells the end of a body by itself, and says only there whether there is one.
  return front === 'http1' && valueOf(fields, 'transfer-encoding') === undefined ? 'none' : 'chunks';
}
