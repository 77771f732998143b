/** Which value of a request decides who answers it. */
import type { Tensor } from '@slipway/serving-runtime/protocol/datatypes';
import { parseWireRequest } from '@slipway/serving-runtime/protocol/grpc-messages';
import { decodeInferRequest } from '@slipway/serving-runtime/protocol/infer-codec';
import { parseJson } from '@slipway/serving-runtime/protocol/json-body';
import { parseRestRequest } from '@slipway/serving-runtime/protocol/rest-request';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { Sticky } from '../routing/route.ts';
import { valueOf } from './raw-headers.ts';

export interface SeenRequest {
  readonly fields: readonly HeaderField[];
  readonly isGrpc: boolean;
  /** All of it. */
  readonly body: Buffer;
}

export function needsBody(sticky: Sticky | undefined): boolean {
  return sticky !== undefined && sticky.by !== 'header';
}

/** undefined where the request has no such value, or is none that can be read: whoever answers it says so. */
export function stickyValueOf(sticky: Sticky, request: SeenRequest): string | undefined {
  if (sticky.by === 'header') return valueOf(request.fields, sticky.name);
  try {
    return sticky.by === 'bodyField' ? fieldValue(sticky.path, request) : tensorValue(sticky.name, request);
  } catch {
    return undefined;
  }
}

function fieldValue(path: readonly string[], { fields, isGrpc, body }: SeenRequest): string | undefined {
  if (isGrpc) {
    const parameter = decodeInferRequest(messageIn(body)).parameters?.[path.filter((_, at) => at > 0).join('.')];
    return path[0] === 'parameters' ? textOf(Object.values(parameter ?? {})[0]) : undefined;
  }
  let value: unknown = parseJson(body.subarray(0, jsonLengthOf(fields) ?? body.length));
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return textOf(value);
}

function tensorValue(wanted: string, { fields, isGrpc, body }: SeenRequest): string | undefined {
  const { inputs } = isGrpc
    ? parseWireRequest(decodeInferRequest(messageIn(body)))
    : parseRestRequest(body, jsonLengthOf(fields));
  return textOf(inputs.find(({ name }: Tensor) => name === wanted)?.data[0]);
}

const VALUE_TYPES: ReadonlySet<string> = new Set(['string', 'number', 'bigint', 'boolean']);

/** The same entity is the same text, whether it came as JSON, as a typed value or as bytes. */
function textOf(value: unknown): string | undefined {
  return VALUE_TYPES.has(typeof value) ? String(value) : undefined;
}

function jsonLengthOf(fields: readonly HeaderField[]): number | undefined {
  const length = valueOf(fields, 'inference-header-content-length');
  return length === undefined ? undefined : Number(length);
}

const PREFIX_BYTES = 5;

/** The one message of a unary call. @throws {Error} where it is compressed, or not one. */
function messageIn(body: Buffer): Buffer {
  const isWhole = body.length >= PREFIX_BYTES && body.readUInt32BE(1) === body.length - PREFIX_BYTES;
  if (!isWhole || body[0] !== 0) throw new Error('not one message that can be read');
  return body.subarray(PREFIX_BYTES);
}
