import { createHash } from 'node:crypto';

const MAX_NAME = 63;

/**
 * The name of a child: `<parent>-<suffix>`, at most 63 characters. A longer one is cut and gets a hash of the whole, so
 * that two parents never share a child's name.
 */
export function childName(parent: string, suffix: string): string {
  const whole = `${parent}-${suffix}`;
  if (whole.length <= MAX_NAME) return whole;
  const tail = `-${shortHash(whole, 8)}-${suffix}`;
  return `${parent.slice(0, MAX_NAME - tail.length).replace(/-+$/, '')}${tail}`;
}

/** sha256 over the value as JSON with sorted keys, in hexadecimal; the first `length` digits. */
export function shortHash(value: unknown, length: number): string {
  return createHash('sha256').update(stableJson(value)).digest('hex').slice(0, length);
}

/** `sha256:` and all 64 digits of the same. */
export function digestOf(value: unknown): string {
  return `sha256:${shortHash(value, 64)}`;
}

/** JSON with sorted keys and without undefined: equal values give equal text, whoever wrote them. */
export function stableJson(value: unknown): string {
  return JSON.stringify(sortedKeys(value)) ?? 'null';
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sortedKeys(inner)]),
  );
}
