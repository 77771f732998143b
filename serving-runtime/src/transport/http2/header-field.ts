/** One line of a header section, and whether RFC 9113, section 8.2, allows it in a request. */

export interface HeaderField {
  readonly name: string;
  /** One character a byte (latin1): HTTP does not say what the bytes mean. */
  readonly value: string;
}

/**
 * What was received is judged once: an entry of the table of HPACK is made once and stands for the same field in every later
 * request.
 */
export interface ReceivedField extends HeaderField {
  readonly isPseudo: boolean;
  /** Makes the request malformed, wherever it stands. */
  readonly isForbidden: boolean;
}

/** What RFC 7541, section 4.1, counts for a field beside its characters. */
export const FIELD_OVERHEAD = 32;

const PSEUDO_NAME = /^:[a-z]+$/;
/** A token of RFC 9110 without capitals. */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// oxlint-disable-next-line no-control-regex -- these are the characters that it is about
const FORBIDDEN_IN_VALUE = /[\0\r\n]|^[ \t]|[ \t]$/;
/** They speak of one connection of HTTP/1.1. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

export function receivedField(name: string, value: string): ReceivedField {
  const isPseudo = name.startsWith(':');
  const isNameWrong = isPseudo ? !PSEUDO_NAME.test(name) : !FIELD_NAME.test(name) || CONNECTION_SPECIFIC.has(name);
  const isTeWrong = name === 'te' && value !== 'trailers';
  return { name, value, isPseudo, isForbidden: isNameWrong || isTeWrong || FORBIDDEN_IN_VALUE.test(value) };
}

export function fieldSize({ name, value }: HeaderField): number {
  return name.length + value.length + FIELD_OVERHEAD;
}
