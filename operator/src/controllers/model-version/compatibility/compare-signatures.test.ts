import type { TensorSpec } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { compareSignatures } from './compare-signatures.ts';
import type { Signature } from './compare-signatures.ts';

const tensor = (name: string, shape: number[] = [-1, 5], dtype: TensorSpec['dtype'] = 'Float32') => {
  return { name, dtype, shape };
};
const takes = (...inputs: TensorSpec[]): Signature => ({ inputs, outputs: [tensor('p')] });
const gives = (...outputs: TensorSpec[]): Signature => ({ inputs: [tensor('x')], outputs });

describe('what breaks callers', () => {
  it.each<[string, Signature, Signature, string[]]>([
    ['nothing, where nothing changes', takes(tensor('x')), takes(tensor('x')), []],
    ['not another order', takes(tensor('a'), tensor('b')), takes(tensor('b'), tensor('a')), []],
    ['an input that is gone', takes(tensor('x'), tensor('y')), takes(tensor('x')), ['Input "y" is gone.']],
    [
      'an input that is new',
      takes(tensor('x')),
      takes(tensor('x'), tensor('y')),
      ['Input "y" is new, and callers do not send it.'],
    ],
    [
      'an input that was renamed',
      takes(tensor('x')),
      takes(tensor('y')),
      ['Input "x" is gone, and "y" of the same dtype and shape is new: it was renamed.'],
    ],
    [
      'an input that another one replaces',
      takes(tensor('x')),
      takes(tensor('y', [-1, 6])),
      ['Input "x" is gone.', 'Input "y" is new, and callers do not send it.'],
    ],
    [
      'another dtype, whatever the shape',
      takes(tensor('x')),
      takes(tensor('x', [-1, 6], 'Float64')),
      ['Input "x" was Float32, and is Float64.'],
    ],
    [
      'a fixed size against another',
      takes(tensor('x')),
      takes(tensor('x', [-1, 6])),
      ['Input "x" had the shape [-1, 5], and has [-1, 6].'],
    ],
    [
      'an input that takes one size of many',
      takes(tensor('x')),
      takes(tensor('x', [1, 5])),
      ['Input "x" had the shape [-1, 5], and has [1, 5].'],
    ],
    ['not an input that takes more sizes', takes(tensor('x')), takes(tensor('x', [-1, -1])), []],
    [
      'another number of dimensions',
      takes(tensor('x')),
      takes(tensor('x', [-1])),
      ['Input "x" had the shape [-1, 5], and has [-1].'],
    ],
    ['an output that is gone', gives(tensor('p'), tensor('q')), gives(tensor('q')), ['Output "p" is gone.']],
    ['not an output that is new', gives(tensor('p')), gives(tensor('p'), tensor('q')), []],
    [
      'an output of another dtype',
      gives(tensor('p')),
      gives(tensor('p', [-1, 5], 'Int64')),
      ['Output "p" was Float32, and is Int64.'],
    ],
    [
      'an output of another size',
      gives(tensor('p')),
      gives(tensor('p', [-1, 3])),
      ['Output "p" had the shape [-1, 5], and has [-1, 3].'],
    ],
    ['not an output whose size an exporter left open', gives(tensor('p')), gives(tensor('p', [-1, -1])), []],
    ['not one whose size it knows now', gives(tensor('p', [-1, -1])), gives(tensor('p')), []],
    [
      'all of it at once',
      { inputs: [tensor('a'), tensor('b')], outputs: [tensor('p')] },
      { inputs: [tensor('a', [-1, 4])], outputs: [] },
      ['Input "b" is gone.', 'Input "a" had the shape [-1, 5], and has [-1, 4].', 'Output "p" is gone.'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(compareSignatures(before, after)).toEqual(expected);
  });
});
