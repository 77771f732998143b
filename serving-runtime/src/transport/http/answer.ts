import { ERROR_CODES, toRequestError } from '../../protocol/errors.ts';

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array | string;
  /** JSON, unless they say otherwise. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function json(status: number, value: object): Answer {
  return { status, body: JSON.stringify(value) };
}

export function errorAnswer(cause: unknown): Answer {
  const { code, message } = toRequestError(cause);
  const answer = json(ERROR_CODES[code].http, { error: message });
  // RFC 9110, section 15.5.2.
  return code === 'Unauthenticated' ? { ...answer, headers: { 'www-authenticate': 'Bearer' } } : answer;
}
