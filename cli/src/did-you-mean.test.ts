import { describe, expect, it } from 'vitest';
import { didYouMean } from './did-you-mean.ts';

describe('didYouMean', () => {
  it.each([
    ['servcies', ['models', 'services'], 'services'],
    ['decsribe', ['get', 'describe'], 'describe'],
    ['Flights', ['flights', 'fare'], 'flights'],
    ['flight', ['flights', 'fare'], 'flights'],
  ])('takes %j of %j for %j', (word, candidates, meant) => {
    expect(didYouMean(word, candidates)).toBe(meant);
  });

  it('suggests nothing that is far away', () => {
    expect(didYouMean('xyz', ['get', 'logs'])).toBeUndefined();
    expect(didYouMean('anything', [])).toBeUndefined();
  });
});
