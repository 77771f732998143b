/** What becomes of columns, labels and answers, without files and models. */
import type { TensorSpec } from '@slipway/crds';
import { metricName } from '@slipway/crds/batch';
import { describe, expect, it } from 'vitest';
import type { SchemaColumn } from '../src/dataset/schema.ts';
import { fillInputs } from '../src/evaluate/fill-inputs.ts';
import { labelColumn, readLabels } from '../src/evaluate/labels.ts';
import { modelHints } from '../src/evaluate/model-hints.ts';
import { planInputs } from '../src/evaluate/plan-inputs.ts';
import { chooseOutput } from '../src/evaluate/read-answers.ts';

const COLUMNS: readonly SchemaColumn[] = [
  { name: 'origin', type: 'VARCHAR', role: 'key' },
  { name: 'gate', type: 'INTEGER', role: 'key' },
  { name: 'at', type: 'TIMESTAMP WITH TIME ZONE', role: 'time' },
  { name: 'flight', type: 'VARCHAR', role: 'request' },
  { name: 'distance', type: 'INTEGER', role: 'request' },
  { name: 'price', type: 'DECIMAL(8,2)', role: 'request' },
  { name: 'temp', type: 'DOUBLE', role: 'feature' },
  { name: 'rain', type: 'BOOLEAN', role: 'feature' },
  { name: 'late', type: 'INTEGER', role: 'label' },
];

const input = (name: string, shape: number[], dtype: TensorSpec['dtype'] = 'Float32'): TensorSpec => ({
  name,
  dtype,
  shape,
});

function columnsOf(inputs: readonly TensorSpec[], metadata: Readonly<Record<string, string>> = {}): string[][] {
  const hints = modelHints(new Map(Object.entries(metadata)));
  return planInputs({ model: 'm', inputs, hints }, COLUMNS).map(({ reads }) => reads.map(({ column }) => column));
}

describe('planInputs', () => {
  it.each<[string, TensorSpec[], Readonly<Record<string, string>>, string[][]]>([
    ['a matrix gets the numbers in their order', [input('x', [-1, 4])], {}, [['distance', 'price', 'temp', 'rain']]],
    ['a matrix of any width too', [input('x', [-1, -1])], {}, [['distance', 'price', 'temp', 'rain']]],
    [
      'a matrix gets what its metadata names',
      [input('x', [-1, 2])],
      { features: '["temp","distance"]' },
      [['temp', 'distance']],
    ],
    [
      'metadata that means something else is left alone',
      [input('x', [-1, 4])],
      { features: 'all of them' },
      [['distance', 'price', 'temp', 'rain']],
    ],
    [
      'lists get the columns of their names',
      [input('temp', [-1]), input('flight', [-1, 1], 'String')],
      {},
      [['temp'], ['flight']],
    ],
    ['one list too', [input('temp', [-1])], {}, [['temp']]],
    ['a matrix of one column that has its name', [input('temp', [-1, 1])], {}, [['temp']]],
    ['a matrix of one column that its metadata names', [input('x', [-1, 1])], { features: '["rain"]' }, [['rain']]],
    ['a key, where it is named', [input('gate', [-1], 'Int32')], {}, [['gate']]],
  ])('%s', (_, inputs, metadata, expected) => {
    expect(columnsOf(inputs, metadata)).toEqual(expected);
  });

  it.each<[string, TensorSpec[], Readonly<Record<string, string>>, string, RegExp]>([
    ['no input', [], {}, 'SignatureMismatch', /no input/],
    [
      'another width',
      [input('x', [-1, 3])],
      {},
      'SignatureMismatch',
      /"x" \(Float32, \[-1, 3\]\).*\[-1, 4\].*distance, price, temp, rain/,
    ],
    [
      'another width than the metadata',
      [input('x', [-1, 3])],
      { features: '["temp"]' },
      'SignatureMismatch',
      /\[-1, 1\].*temp/,
    ],
    ['a fixed number of rows', [input('x', [1, 4])], {}, 'SignatureMismatch', /\[1, 4\]/],
    ['a picture', [input('x', [-1, 3, 28, 28])], {}, 'SignatureMismatch', /\[-1, 3, 28, 28\].*\[-1, n\]/],
    ['two matrices', [input('x', [-1, 2]), input('y', [-1, 2])], {}, 'SignatureMismatch', /"x".*origin, gate, flight/],
    ['a name that no column has', [input('delay', [-1])], {}, 'SignatureMismatch', /"delay".*distance/],
    ['the label as an input', [input('late', [-1])], {}, 'SignatureMismatch', /"late"/],
    ['the label in the metadata', [input('x', [-1, 1])], { features: '["late"]' }, 'SignatureMismatch', /"late"/],
    ['a text for a float', [input('flight', [-1])], {}, 'TypeMismatch', /"flight" is VARCHAR.*Float32/],
    ['a fraction for a whole number', [input('temp', [-1], 'Int64')], {}, 'TypeMismatch', /"temp" is DOUBLE.*Int64/],
    ['a number for a truth', [input('distance', [-1], 'Bool')], {}, 'TypeMismatch', /"distance" is INTEGER.*Bool/],
    ['a fraction in a matrix of whole numbers', [input('x', [-1, 4], 'Int64')], {}, 'TypeMismatch', /"price"/],
    ['a type that no column has', [input('temp', [-1], 'Float16')], {}, 'SignatureMismatch', /Float16/],
  ])('refuses %s', (...[, inputs, metadata, reason, message]) => {
    expect(() => columnsOf(inputs, metadata)).toThrow(
      expect.objectContaining({ reason, message: expect.stringMatching(message) }),
    );
  });
});

/** Values as the database gives them for one input that is called as its column. */
function fill(dtype: TensorSpec['dtype'], values: readonly unknown[], missing = Number.NaN): unknown[] {
  const as = dtype.startsWith('Float') ? 'number' : 'whole';
  const inputs = [{ input: 'x', dtype, rank: 1 as const, reads: [{ column: 'x', as } as const] }];
  const filled = fillInputs(
    { model: 'm', inputs, missing },
    { firstRow: 10, rows: values.length, valuesOf: () => values },
  );
  return [...(filled[0]?.data ?? [])];
}

describe('fillInputs', () => {
  it.each<[string, unknown[], unknown[]]>([
    [
      'Float32 is rounded, and huge numbers are infinite',
      fill('Float32', [0.1, 1e300, null]),
      [Math.fround(0.1), Infinity, NaN],
    ],
    ['nulls and NaN are what the model takes for missing', fill('Float64', [null, NaN, 2], -999), [-999, -999, 2]],
    ['whole numbers keep all digits', fill('Int64', [2n ** 63n - 1n, -(2n ** 63n)]), [2n ** 63n - 1n, -(2n ** 63n)]],
    ['whole numbers reach to the borders of their type', fill('UInt8', [0n, 255n]), [0, 255]],
  ])('%s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  it.each<[string, TensorSpec['dtype'], unknown, RegExp]>([
    ['null in a whole number', 'Int64', null, /"x" is null in row 11.*"x" \(Int64\).*transform/],
    ['one more than the type has', 'UInt8', 256n, /"x" is 256 in row 11/],
    ['one less than the type has', 'Int8', -129n, /-129/],
  ])('refuses %s', (_, dtype, value, message) => {
    expect(() => fill(dtype, [1n, value])).toThrow(
      expect.objectContaining({ reason: 'TypeMismatch', message: expect.stringMatching(message) }),
    );
  });

  it('lays a matrix out row by row', () => {
    const reads = ['a', 'b'].map((column) => ({ column, as: 'number' as const }));
    const inputs = [{ input: 'x', dtype: 'Float32' as const, rank: 2 as const, reads }];
    const valuesOf = ({ column }: { column: string }) => (column === 'a' ? [1, 2, 3] : [10, 20, 30]);
    expect(fillInputs({ model: 'm', inputs, missing: Number.NaN }, { firstRow: 0, rows: 3, valuesOf })).toEqual([
      { name: 'x', dtype: 'Float32', dims: [3, 2], data: Float32Array.of(1, 10, 2, 20, 3, 30) },
    ]);
  });
});

describe('a label', () => {
  it('is the column with that role, and a number', () => {
    expect(labelColumn(COLUMNS)).toBe('late');
    const words = COLUMNS.map((column) => (column.role === 'label' ? { ...column, type: 'VARCHAR' } : column));
    expect(() => labelColumn(words)).toThrow(expect.objectContaining({ reason: 'TypeMismatch' }));
    expect(() => labelColumn(COLUMNS.slice(0, -1))).toThrow(expect.objectContaining({ reason: 'ColumnNotFound' }));
  });

  it.each<['classes' | 'numbers', unknown, string, RegExp]>([
    ['classes', 0.5, 'TypeMismatch', /"late" is 0\.5 in row 101.*class/],
    ['classes', -1, 'TypeMismatch', /-1/],
    ['numbers', Number.POSITIVE_INFINITY, 'TypeMismatch', /Infinity.*finite/],
    ['numbers', Number.NaN, 'TypeMismatch', /NaN/],
    ['classes', null, 'LabelNull', /"late" is null in row 101/],
  ])('of %s cannot be %s', (task, value, reason, message) => {
    expect(() => readLabels([1, value], { column: 'late', task, firstRow: 100 })).toThrow(
      expect.objectContaining({ reason, message: expect.stringMatching(message) }),
    );
  });
});

describe('chooseOutput', () => {
  const label = input('label', [-1], 'Int64');
  const y = input('y', [-1, 1]);
  const probabilities = input('probabilities', [-1, 2]);

  it('takes the only one of floats, or the one with the name of probabilities', () => {
    expect(chooseOutput('m', [label, y], 'classes')).toBe('y');
    expect(chooseOutput('m', [label, y, probabilities], 'classes')).toBe('probabilities');
    expect(chooseOutput('m', [y], 'numbers')).toBe('y');
  });

  it.each<[TensorSpec[], 'classes' | 'numbers']>([
    [[y, input('z', [-1])], 'classes'],
    [[y, probabilities], 'numbers'],
    [[label], 'classes'],
  ])('refuses to guess', (outputs, task) => {
    expect(() => chooseOutput('m', outputs, task)).toThrow(expect.objectContaining({ reason: 'SignatureMismatch' }));
  });
});

it('metrics have names that say the split', () => {
  expect(
    (['Auc', 'LogLoss', 'F1', 'R2', 'RootMeanSquaredError'] as const).map((metric) => metricName('Test', metric)),
  ).toEqual(['test.auc', 'test.log_loss', 'test.f1', 'test.r2', 'test.root_mean_squared_error']);
});
