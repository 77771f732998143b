/** What the operator may ask of the API server, as data; and what it hears. */
import type { KubeObject } from '@slipway/kube';
import type { Id, Stored } from './api-model.ts';

interface Preconditions {
  readonly uid?: string | undefined;
  readonly version?: number | undefined;
}

export interface Patch {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
}

export type WriteRequest = Preconditions &
  (
    | { readonly verb: 'apply' | 'create'; readonly id: Id; readonly object: KubeObject; readonly manager: string }
    | { readonly verb: 'status'; readonly id: Id; readonly status: unknown }
    /** A merge patch: what it names takes the place of what is there. */
    | { readonly verb: 'patch'; readonly id: Id; readonly patch: Patch }
    | { readonly verb: 'delete'; readonly id: Id }
  );

/** A list has the id `Kind/`. */
export interface ReadRequest {
  readonly verb: 'get' | 'list';
  readonly id: Id;
}

export type Request = WriteRequest | ReadRequest;

export type Answer =
  /** `stored` is missing where the API answers without an object; `items` are those of a list. */
  | { readonly kind: 'ok'; readonly stored: Stored | undefined; readonly items?: readonly Stored[] }
  | { readonly kind: 'error'; readonly code: 404 | 409; readonly reason: string }
  /** A timeout, or a connection that broke: nobody knows whether it was done. */
  | { readonly kind: 'lost' };

export function isWrite(request: Request): request is WriteRequest {
  return request.verb !== 'get' && request.verb !== 'list';
}

/** A request in words, for traces. */
export function inWords(request: Request): string {
  if (request.verb === 'status') return `writes the status of ${request.id}: ${conditionsOf(request.status)}`;
  if (request.verb === 'apply') return `applies ${request.id}${detailsOf(request.object)}`;
  if (request.verb === 'patch') return `patches ${request.id}: ${patchInWords(request.patch)}`;
  return `${request.verb}s ${request.id}`;
}

export function conditionsOf(status: unknown): string {
  const { conditions = [] } = status as { conditions?: readonly { type: string; status: string; reason: string }[] };
  return conditions.map(({ type, status: value, reason }) => `${type}=${value} (${reason})`).join(', ');
}

function patchInWords({ metadata, spec }: Patch): string {
  const fields = [...Object.entries(metadata?.annotations ?? {}), ...Object.entries(spec ?? {})];
  return fields.map(([name, value]) => `${name}=${String(value)}`).join(', ');
}

function detailsOf(object: KubeObject): string {
  const { spec } = object as { spec?: { selector?: Record<string, string>; replicas?: number } };
  if (object.kind === 'Service') return ` that selects ${Object.values(spec?.selector ?? {}).at(-1)}`;
  return spec?.replicas === undefined ? '' : ` with ${spec.replicas} replicas`;
}
