import type { RequestHead } from './exchange.ts';
import type { ReceivedField } from './header-field.ts';
import { areRegular, contentLengthOf } from './regular-fields.ts';

export interface ReceivedHead extends RequestHead {
  /** undefined when none was announced. */
  readonly contentLength: number | undefined;
}

/** The fields of a request as what they say; undefined when they are malformed (RFC 9113, sections 8.2 and 8.3). */
export function readRequestHead(received: readonly ReceivedField[]): ReceivedHead | undefined {
  const count = received.findIndex((field) => !field.isPseudo);
  const pseudo = count === -1 ? received : received.slice(0, count);
  const fields = count === -1 ? [] : received.slice(count);
  const values = pseudoValues(pseudo);
  if (values === undefined || !areRegular(fields)) return undefined;
  const { ':method': method, ':scheme': scheme, ':path': path, ':authority': authority } = values;
  // There is nothing that CONNECT, which has no path, could connect to.
  if (method === undefined || scheme === undefined || path === undefined || path === '') return undefined;
  const contentLength = contentLengthOf(fields);
  return contentLength === 'wrong' ? undefined : { method, path, authority, fields, contentLength };
}

interface PseudoValues {
  ':method'?: string;
  ':scheme'?: string;
  ':path'?: string;
  ':authority'?: string;
}
const PSEUDO_NAMES: ReadonlySet<string> = new Set([':method', ':scheme', ':path', ':authority']);

function pseudoValues(pseudo: readonly ReceivedField[]): PseudoValues | undefined {
  const values: PseudoValues = {};
  for (const { name, value, isForbidden } of pseudo) {
    if (isForbidden || !PSEUDO_NAMES.has(name) || values[name as keyof PseudoValues] !== undefined) return undefined;
    values[name as keyof PseudoValues] = value;
  }
  return values;
}
