import { describe, expect, it } from 'vitest';
import { aModelVersion, anInferenceService, aStore } from '../../testing/fixtures.ts';
import { resolveFacts } from './revision.ts';
import { causeOf } from './rollout-input.ts';
import { numberOf } from './undo-input.ts';

const facts = (version: string, more: object = {}) =>
  resolveFacts(anInferenceService(more), aModelVersion(version, {}, { number: Number(version.at(-1)) }), aStore());

describe('causeOf', () => {
  it.each([
    ['another version by an alias', facts('delay-2'), true, 'AliasMove'],
    ['another version by the spec', facts('delay-2'), false, 'SpecChange'],
    ['another refresh alone', facts('delay-1', { refresh: 'now' }), true, 'Refresh'],
    [
      'another refresh with other settings',
      facts('delay-1', { refresh: 'now', settings: { instances: 2 } }),
      true,
      'SpecChange',
    ],
    ['what cannot be read', undefined, true, 'SpecChange'],
  ])('%s', (_, next, hasAlias, expected) => {
    expect(causeOf(facts('delay-1'), next, { hasAlias })).toBe(expected);
  });
});

describe('numberOf', () => {
  it.each([
    ['flights-7', 7],
    ['flights-12-30', 30],
    ['flights', 0],
    ['flights-07', 0],
  ])('%s is %i', (name, number) => {
    expect(numberOf({ metadata: { name } } as Parameters<typeof numberOf>[0])).toBe(number);
  });
});
