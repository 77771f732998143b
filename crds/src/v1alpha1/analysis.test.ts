/** What an analysis may say. That the API server refuses the rest is tried where a kind has it. */
import { describe, expect, it } from 'vitest';
import { structuralSchema } from '../generate/structural-schema.ts';
import { analysis } from './analysis.ts';

const check = { name: 'errors', metric: 'ErrorRate', max: 0.01 };

describe('an analysis', () => {
  it('has a structural schema, with a rule for each way to give two limits or none', () => {
    const text = JSON.stringify(structuralSchema(analysis));
    expect(text).toContain('give exactly one of max (of an ErrorRate), maxLatency and notWorseThanStable');
    expect(text).toContain('give exactly one of factor, by and byLatency');
  });

  it('waits for a hundred samples, and for data, unless it says otherwise', () => {
    expect(analysis.parse({ checks: [check] })).toEqual({ minSamples: 100, onNoData: 'Hold', checks: [check] });
  });

  it.each([
    ['no check', []],
    ['nine checks', Array.from({ length: 9 }, (_, index) => ({ ...check, name: String(index) }))],
    ['a share above one', [{ ...check, max: 1.5 }]],
    ['a metric that nobody counts', [{ ...check, metric: 'LatencyMean' }]],
    ['less than stable has', [{ name: 'a', metric: 'ErrorRate', notWorseThanStable: { factor: 0.5 } }]],
    ['a latency without a unit', [{ name: 'a', metric: 'LatencyP95', maxLatency: '250' }]],
  ])('does not have %s', (_, checks) => expect(analysis.safeParse({ checks }).success).toBe(false));
});
