/** What is handed on of the fields of a request and of an answer, and what is added. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { valueOf } from './raw-headers.ts';

/** They speak of one connection (RFC 9110, section 7.6.1), or of the gateway itself. */
const OF_ONE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Said by the gateway, whatever a client says. */
const OWN_OF_REQUESTS: ReadonlySet<string> = new Set([
  'host',
  'expect',
  'x-request-id',
  'grpc-timeout',
  'x-slipway-mirrored',
]);
const OWN_OF_ANSWERS: ReadonlySet<string> = new Set(['x-request-id', 'x-slipway-revision']);

const VIA = '1.1 slipway-gateway';

export interface Forwarded {
  readonly requestId: string;
  readonly isGrpc: boolean;
  /** What is left of the time that the client gave, in milliseconds; undefined: it gave none. */
  readonly timeLeftMs: number | undefined;
}

export function requestFields(
  fields: readonly HeaderField[],
  { requestId, isGrpc, timeLeftMs }: Forwarded,
): HeaderField[] {
  const handedOn = endToEnd(fields, OWN_OF_REQUESTS);
  handedOn.push({ name: 'via', value: VIA }, { name: 'x-request-id', value: requestId });
  if (isGrpc) handedOn.push({ name: 'te', value: 'trailers' });
  if (timeLeftMs !== undefined) handedOn.push({ name: 'grpc-timeout', value: grpcTimeout(timeLeftMs) });
  return handedOn;
}

export interface Answering {
  readonly requestId: string;
  readonly revision: string;
}

export function answerFields(fields: readonly HeaderField[], { requestId, revision }: Answering): HeaderField[] {
  const handedOn = endToEnd(fields, OWN_OF_ANSWERS);
  handedOn.push({ name: 'x-request-id', value: requestId }, { name: 'x-slipway-revision', value: revision });
  return handedOn;
}

export function trailerFields(trailers: readonly HeaderField[]): HeaderField[] {
  return endToEnd(trailers, OWN_OF_ANSWERS);
}

/** True for a request that a gateway has handed on before: its route leads back to the gateways. */
export function wentThroughGateway(fields: readonly HeaderField[]): boolean {
  return fields.some(({ name, value }) => name === 'via' && value.includes('slipway-gateway'));
}

function endToEnd(fields: readonly HeaderField[], own: ReadonlySet<string>): HeaderField[] {
  const named = namedByConnection(fields);
  return fields.filter(({ name }) => !OF_ONE_CONNECTION.has(name) && !own.has(name) && !named.has(name));
}

/** Without which the message would be another one, whatever `Connection` says of them. */
const KEPT: ReadonlySet<string> = new Set(['content-length', 'content-type', 'content-encoding', 'authorization']);
const NONE: ReadonlySet<string> = new Set();

function namedByConnection(fields: readonly HeaderField[]): ReadonlySet<string> {
  const connection = valueOf(fields, 'connection');
  if (connection === undefined) return NONE;
  const all = fields.filter(({ name }) => name === 'connection').flatMap(({ value }) => value.split(','));
  return new Set(all.map((name) => name.trim().toLowerCase()).filter((name) => !KEPT.has(name)));
}

const MAX_DIGITS = 99_999_999;

/** At most 8 digits and a unit. */
function grpcTimeout(milliseconds: number): string {
  const whole = Math.max(1, Math.ceil(milliseconds));
  return whole <= MAX_DIGITS ? `${whole}m` : `${Math.min(MAX_DIGITS, Math.ceil(whole / 1000))}S`;
}
