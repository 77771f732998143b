import { constantFrom, float, oneof, property, assert as check } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildRestResponse } from './rest-response.ts';

const NO_BYTES = { byDefault: false, byName: new Map<string, boolean>() };

/** What is written of each of these floats. */
function written(...values: readonly number[]): string[] {
  const data = Float32Array.from(values);
  const output = { name: 'y', datatype: 'FP32', shape: [values.length], data } as const;
  const { body } = buildRestResponse({ modelName: 'm', modelVersion: '1', id: 'i', outputs: [output] }, NO_BYTES);
  const [, list = ''] = /"data":\[([^\]]*)\]/.exec(Buffer.from(body).toString()) ?? [];
  return list.split(',');
}

/** The fewest digits that read back as the same float, tried one after the other. */
function fewestDigits(value: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    if (Math.fround(Number(value.toPrecision(digits))) === value) return digits;
  }
  return 9;
}

function digitsOf(text: string): number {
  const [mantissa = ''] = text.split('e');
  return Math.max(1, mantissa.replace(/^-?[0.]*|\./g, '').replace(/^0+|0+$/g, '').length);
}

describe('a float in JSON', () => {
  it('is written as people write it', () => {
    expect(written(0.1, -2.5, 0, 1e-3, 16777216, 1e-7, 3.4e38, 123456.7, 999999.9)).toEqual([
      '0.1',
      '-2.5',
      '0',
      '0.001',
      '16777216',
      '1e-7',
      '3.4e+38',
      '123456.7',
      '999999.9',
    ]);
    expect(written(NaN, Infinity, -Infinity)).toEqual(['null', 'null', 'null']);
  });

  it('reads back as the same float, and is as short as that allows', () => {
    const floats = float({ noNaN: true, noDefaultInfinity: true });
    const usual = float({ noNaN: true, min: -2, max: 2 });
    const edges = constantFrom(1e-6, 1e6, 0.1, 9.999999e5, 1.0000001e-6, 0.099999994).map(Math.fround);
    check(
      property(oneof(floats, usual, edges), (value) => {
        const [text = ''] = written(value);
        expect(Math.fround(Number(text)) + 0).toBe(value + 0);
        expect(digitsOf(text)).toBeLessThanOrEqual(Math.max(6, fewestDigits(value)));
      }),
      { numRuns: 3_000 },
    );
  });
});
