import { describe, expect, it } from 'vitest';
import { childName, shortHash } from './names.ts';

describe('childName', () => {
  it('joins parent and suffix while they fit', () => {
    expect(childName('flights', '5b7a91c2')).toBe('flights-5b7a91c2');
  });

  it('stays within 63 characters and keeps two long parents apart', () => {
    const a = childName(`${'x'.repeat(60)}a`, 'verify-123456');
    const b = childName(`${'x'.repeat(60)}b`, 'verify-123456');

    expect(a).toHaveLength(63);
    expect(a).toMatch(/^x+-[0-9a-f]{8}-verify-123456$/);
    expect(a).not.toBe(b);
  });
});

describe('shortHash', () => {
  it('does not depend on the order of keys, nor on members that are undefined', () => {
    expect(shortHash({ a: 1, b: { c: [1], d: undefined } }, 8)).toBe(shortHash({ b: { c: [1] }, a: 1 }, 8));
    expect(shortHash({ a: 1 }, 8)).not.toBe(shortHash({ a: 2 }, 8));
  });
});
