/** Headers as Node gives and takes them without looking at them: name, value, name, value. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';

/** Names in small letters; without pseudo-fields. */
export function fieldsOf(rawHeaders: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (!name.startsWith(':')) fields.push({ name, value: rawHeaders[index + 1] as string });
  }
  return fields;
}

export function rawHeadersOf(fields: readonly HeaderField[]): string[] {
  const raw: string[] = [];
  for (const { name, value } of fields) raw.push(name, value);
  return raw;
}

/** The first of that name. */
export function valueOf(fields: readonly HeaderField[], wanted: string): string | undefined {
  for (const { name, value } of fields) if (name === wanted) return value;
  return undefined;
}
