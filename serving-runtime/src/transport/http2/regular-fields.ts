/** The fields of a message that are no pseudo-fields (RFC 9113, sections 8.1 and 8.2). */
import type { HeaderField, ReceivedField } from './header-field.ts';

const LENGTH = /^\d{1,15}$/;

/** Trailers are nothing else. */
export function areRegular(fields: readonly ReceivedField[]): boolean {
  return fields.every((field) => !field.isPseudo && !field.isForbidden);
}

/** undefined: none was announced. */
export function contentLengthOf(fields: readonly HeaderField[]): number | 'wrong' | undefined {
  let length: string | undefined;
  for (const { name, value } of fields) {
    if (name !== 'content-length') continue;
    if (!LENGTH.test(value) || (length !== undefined && length !== value)) return 'wrong';
    length = value;
  }
  return length === undefined ? undefined : Number(length);
}
