/** The body of a request as JSON, checked before anything walks it. */
import { isAscii } from 'node:buffer';
import { invalid } from './errors.ts';
import { exceedsDepth } from './json-depth.ts';

const MAX_JSON_DEPTH = 100;

export type JsonObject = Readonly<Record<string, unknown>>;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

export function parseJson(bytes: Uint8Array): JsonObject {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (exceedsDepth(text, MAX_JSON_DEPTH)) throw invalid(`the JSON is nested deeper than ${MAX_JSON_DEPTH} levels`);
  let value: unknown;
  try {
    value = JSON.parse(isAscii(text) ? text.toString('latin1') : UTF8.decode(text));
  } catch {
    throw invalid('the body is not valid JSON');
  }
  return objectOf(value, 'the body');
}

export function objectOf(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} must be a JSON object`);
  return value as JsonObject;
}

/** The leaves of a nested list, row-major; stops after `limit`, so that a long list of lists costs nothing. */
export function flat(values: readonly unknown[], limit: number): readonly unknown[] {
  if (!hasLists(values)) return values.length > limit ? values.slice(0, limit) : values;
  const leaves: unknown[] = [];
  const walk = (list: readonly unknown[]) => {
    for (const value of list) {
      if (leaves.length >= limit) return;
      if (Array.isArray(value)) walk(value);
      else leaves.push(value);
    }
  };
  walk(values);
  return leaves;
}

/** A loop, since `some` takes as long for a long list as it took to parse it. */
function hasLists(values: readonly unknown[]): boolean {
  for (const value of values) if (typeof value === 'object') return true;
  return false;
}
