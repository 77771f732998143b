import { hash } from 'node:crypto';

/**
 * Whether the request with this id is one of the sample: always the same for the same id, in every replica and for everybody who
 * asks later, and a smaller sample is part of a larger one.
 *
 * @param rate 0 to 1.
 */
export function isSampled(id: string, rate: number): boolean {
  return hash('sha256', id, 'buffer').readUInt32BE(0) / 2 ** 32 < rate;
}
