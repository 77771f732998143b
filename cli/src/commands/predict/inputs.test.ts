import { describe, expect, it } from 'vitest';
import { CliError } from '../../errors.ts';
import { csvToTensors } from './csv-to-tensors.ts';
import type { CsvOptions } from './csv-to-tensors.ts';
import { jsonToTensors, setsToTensors } from './other-inputs.ts';
import type { ModelMetadata } from './tensors.ts';

const TRIP: ModelMetadata = { name: 'fare', inputs: [{ name: 'trip', datatype: 'FP32', shape: [-1, 2] }], outputs: [] };
const MIXED: ModelMetadata = {
  name: 'mixed',
  inputs: [
    { name: 'carrier', datatype: 'BYTES', shape: [-1, 1] },
    { name: 'hour', datatype: 'INT64', shape: [-1] },
    { name: 'weather', datatype: 'FP64', shape: [-1, 2] },
  ],
  outputs: [],
};
const NOTHING: CsvOptions = { missing: undefined, columns: undefined };

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (cause) {
    if (cause instanceof CliError) return `${cause.message} / ${cause.hint}`;
    throw cause;
  }
  return 'taken';
}

describe('a CSV', () => {
  const csv = (text: string, model = TRIP, options: Partial<CsvOptions> = {}) =>
    csvToTensors(text, model, { ...NOTHING, ...options });

  it('gives a model with one input its columns, with or without a line of names', () => {
    const tensors = [{ name: 'trip', datatype: 'FP32', shape: [2, 2], data: [3.1, 12, 0.8, 6] }];

    expect(csv('miles,minutes\n3.1,12\n0.8,6\n')).toEqual(tensors);
    expect(csv('3.1,12\n0.8,6')).toEqual(tensors);
  });

  it('sends the chosen columns in the order in which they were named, and what stands for an empty cell', () => {
    const text = 'id,minutes,miles\na,12,3.1\nb,6,\n';

    expect(csv(text, TRIP, { columns: ['miles', 'minutes'], missing: '-999' })[0]?.data).toEqual([3.1, 12, -999, 6]);
  });

  it('gives each of several inputs its column by name', () => {
    const tensors = csv('weather.1,hour,carrier,weather.0\n2,7,"B6, Inc.",1\n4,8,"say ""UA""",3\n', MIXED);

    expect(tensors.map(({ shape }) => shape)).toEqual([[2, 1], [2], [2, 2]]);
    expect(tensors.map(({ data }) => data)).toEqual([
      ['B6, Inc.', 'say "UA"'],
      [7, 8],
      [1, 2, 3, 4],
    ]);
  });

  it('counts lines as the file has them, with Windows ends, cells of several lines and empty lines', () => {
    const text = '\uFEFFcarrier,hour,weather.0,weather.1\r\n"two\r\nlines",1,2,3\r\n\r\nUA,x,2,3\r\n';

    expect(refusal(() => csv(text, MIXED))).toBe('Line 5, column "hour": "x" is no number (INT64). / Correct it.');
  });

  it.each([
    ['', 'The CSV is empty. / Its columns become: trip FP32 [-1, 2]'],
    ['miles,minutes\n', 'The CSV has a head and no rows. / Add a row for each prediction.'],
    [
      'a,b,c\n1,2,3\n',
      'The CSV has 3 columns, and a row of trip FP32 [-1, 2] has 2. / Choose those that the model learned from: --columns a,b,c',
    ],
    ['a,b\n1\n', 'Line 2 of the CSV has 1 cells, and line 1 has 2. / Quote cells that hold commas.'],
    [
      'a,b\n1,"2\n',
      'Line 2 of the CSV has a quote that does not end, or goes on after it has. / Put a second quote, and double those inside.',
    ],
    [
      'a,b\n1,\n',
      'Line 2, column "b": nothing is no number (FP32). / Fill it in, or say what stands for a missing value: --missing VALUE',
    ],
  ])('%j is refused', (text, words) => {
    expect(refusal(() => csv(text))).toBe(words);
  });

  it('says which column is missing, and the nearest that there is', () => {
    expect(refusal(() => csv('carier,hour,weather.0,weather.1\nUA,1,2,3\n', MIXED))).toBe(
      'The CSV has no column "carrier". Did you mean "carier"? / It has: carier, hour, weather.0, weather.1',
    );
  });

  it('cannot fill an input whose rows have no size', () => {
    const model = { name: 'm', inputs: [{ name: 'text', datatype: 'INT64', shape: [-1, -1] }], outputs: [] };

    expect(refusal(() => csv('1,2\n', model))).toContain('text INT64 [-1, -1] does not take rows of a known size');
  });
});

describe('--set', () => {
  it('fills the one dimension of any size', () => {
    expect(setsToTensors(['trip=1,2,3,4'], TRIP)).toEqual([
      { name: 'trip', datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] },
    ]);
  });

  it.each([
    [['trip=1,2,3'], '3 values do not fill the input trip FP32 [-1, 2]. / Give a multiple of 2.'],
    [['tripp=1,2'], 'The model has no input "tripp". Did you mean "trip"? / It has: trip FP32 [-1, 2]'],
    [['trip=1,two'], '--set trip, value 2: "two" is no number (FP32). / Correct it.'],
    [['trip'], '--set cannot be "trip". / Write it as INPUT=VALUE,VALUE,…'],
    [['trip=1,2', 'trip=3,4'], '--set was given twice for "trip". / Give all its values in one.'],
  ])('%j is refused', (sets, words) => {
    expect(refusal(() => setsToTensors(sets, TRIP))).toBe(words);
  });

  it('wants every input', () => {
    expect(refusal(() => setsToTensors(['hour=7'], MIXED))).toContain('There are no values for the input "carrier".');
  });
});

describe('--json', () => {
  it.each([
    ['{"trip": [[3.1, 12], [0.8, 6]]}'],
    ['{"trip": [3.1, 12, 0.8, 6]}'],
    ['{"inputs": [{"name": "trip", "data": [3.1, 12, 0.8, 6]}]}'],
    ['{"id": "7", "inputs": [{"name": "trip", "datatype": "FP32", "shape": [2, 2], "data": [[3.1, 12], [0.8, 6]]}]}'],
  ])('%s is taken', (text) => {
    expect(jsonToTensors(text, TRIP)).toEqual([
      { name: 'trip', datatype: 'FP32', shape: [2, 2], data: [3.1, 12, 0.8, 6] },
    ]);
  });

  it.each([
    ['{"trip": [[1, "2"]]}', '"trip", value 2: "2" is no FP32. / The input is trip FP32 [-1, 2].'],
    ['{"trip": [1, 2, 3]}', '3 values do not fill the input trip FP32 [-1, 2]. / Give a multiple of 2.'],
    [
      '{"inputs": [{"name": "trip", "datatype": "FP64", "data": [1, 2]}]}',
      '"trip" has the datatype FP64, and the model wants FP32. / Correct it, or leave it out.',
    ],
    [
      '[1, 2]',
      'The JSON is not an object. / Write it as {"trip": […]}, or as a request of the Open Inference Protocol; the input is trip FP32 [-1, 2].',
    ],
  ])('%s is refused', (text, words) => {
    expect(refusal(() => jsonToTensors(text, TRIP))).toBe(words);
  });
});
