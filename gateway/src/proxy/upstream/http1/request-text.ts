/** The head of a request as HTTP/1.1 has it. */
import type { UpstreamRequest } from '../upstream.ts';

const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** Whose lack of a body has to be said. */
export const HAS_BODY_BY_DEFAULT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The fields as they are, with nothing added but what frames the body.
 * @throws {TypeError} when a field holds characters that none may hold.
 */
export function requestText({ method, path, authority, fields, body }: UpstreamRequest): string {
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n`;
  if (NOT_IN_VALUE.test(authority)) throw new TypeError('the host holds characters that no field may hold');
  for (const { name, value } of fields) {
    if (NOT_IN_VALUE.test(value)) throw new TypeError(`${name} holds characters that no field may hold`);
    text += `${name}: ${value}\r\n`;
  }
  if (body === 'chunks') text += 'transfer-encoding: chunked\r\n';
  else if (body === 'none' && HAS_BODY_BY_DEFAULT.has(method)) text += 'content-length: 0\r\n';
  return `${text}\r\n`;
}
