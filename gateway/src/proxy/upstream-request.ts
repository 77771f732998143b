import type { Endpoint } from '../routing/endpoint-pool.ts';
import { requestFields } from './fields.ts';
import type { ProxiedRequest } from './request.ts';
import type { UpstreamRequest } from './upstream/upstream.ts';

export interface SentTo {
  readonly endpoint: Endpoint;
  readonly port: number;
  /** What is left of the time that the client gave; undefined: it gave none, or it does not count. */
  readonly timeLeftMs: number | undefined;
}

/** What a pod gets of a request, without its body. */
export function upstreamRequest(request: ProxiedRequest, { endpoint, port, timeLeftMs }: SentTo): UpstreamRequest {
  const { head, isGrpc, id, authority, body } = request;
  const fields = requestFields(head.fields, { requestId: id, isGrpc, timeLeftMs });
  return { endpoint, port, method: head.method, path: head.path, authority, fields, body };
}
