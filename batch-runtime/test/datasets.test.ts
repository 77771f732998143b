import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readParquet } from './read-parquet.ts';
import { datasetRequest, flightRows, materialiseRequest, WEATHER } from './requests.ts';
import { makeStore, runCommand } from './run-command.ts';
import type { Outcome } from './run-command.ts';

type Columns = Parameters<typeof flightRows>[0];

async function build(
  columns: Columns = {},
  rows: object = {},
  overrides: object = {},
): Promise<Outcome & { store: string; folder: string }> {
  const store = makeStore({ 'flights.csv': flightRows(columns) });
  const outcome = await runCommand('build-dataset', datasetRequest(store, { ...rows }, { ...overrides }));
  const folder = join(store, 'datasets/flights', String(outcome.result?.['digest']).replace(':', '-'));
  return { store, folder, ...outcome };
}

const label = (fields: object): object => ({ label: { column: 'late', onNull: 'Drop', onLeak: 'Fail', ...fields } });

describe('build-dataset', { timeout: 60_000 }, () => {
  it('splits by time, keeps the order of the rows, and writes schema and profile', async () => {
    const { store, folder, code, result, log } = await build();
    expect(code, log).toBe(0);
    expect(result).toMatchObject({ ok: true, rows: { train: 216, validation: 96, test: 88 }, dropped: {} });
    const train = await readParquet(join(folder, 'train/part-0.parquet'), 'epoch_us("at")::VARCHAR AS t');
    expect(train.map(({ t }) => Number(t))).toEqual(
      Array.from({ length: 216 }, (_, row) => Date.UTC(2013, 0, 1, row) * 1000),
    );
    const schema = JSON.parse(readFileSync(join(folder, 'schema.json'), 'utf8')) as {
      columns: { name: string; role: string }[];
    };
    expect(schema.columns.map(({ name, role }) => [name, role])).toEqual([
      ['origin', 'key'],
      ['at', 'time'],
      ['distance', 'request'],
      ['late', 'label'],
    ]);
    const profile = JSON.parse(readFileSync(join(folder, 'profile.json'), 'utf8')) as Record<
      string,
      Record<string, Record<string, number>>
    >;
    expect(profile['train']?.['distance']).toMatchObject({
      rows: 216,
      nulls: 0,
      min: expect.any(Number),
      p50: expect.any(Number),
    });
    const again = await runCommand('build-dataset', datasetRequest(store));
    expect(again.result).toEqual(result);
    expect(readdirSync(join(store, 'datasets/flights'))).toHaveLength(1);
  });

  it('counts rows without label, without time, in a gap, and whose label was known too late, each once', async () => {
    const { code, result, log } = await build(
      {
        late: (row) => (row === 5 ? '' : row % 3 === 0 ? 1 : 0),
        at: (row) => (row === 6 ? '' : new Date(Date.UTC(2013, 0, 1, row)).toISOString()),
      },
      label({ knownAt: 'landed' }),
      { split: { by: 'Time', validationFrom: '2013-01-10T00:00:00Z', testFrom: '2013-01-14T00:00:00Z', gap: '1h' } },
    );
    expect(code, log).toBe(0);
    // Landed two hours later: the row at 22:00 is known exactly when validation starts, the one at 23:00 lies in the gap.
    expect(result).toMatchObject({
      rows: { train: 213, validation: 95, test: 88 },
      dropped: { labelNull: 1, timeNull: 1, gap: 2 },
    });
    const late = await build({}, label({ knownAt: 'landed' }));
    expect(late.result).toMatchObject({
      rows: { train: 215, validation: 95, test: 88 },
      dropped: { labelKnownTooLate: 2 },
    });
  });

  it('adds the offset to the moment of the prediction', async () => {
    const { folder, result } = await build({}, { at: { column: 'at', offset: '90m' } });
    expect(result).toMatchObject({ ok: true });
    const [first] = await readParquet(join(folder, 'train/part-0.parquet'), 'epoch_us("at")::VARCHAR AS t');
    expect(Number(first?.['t'])).toBe(Date.UTC(2013, 0, 1, 1, 30) * 1000);
  });

  it('joins what materialise wrote, one row out for each row in, in the declared types', async () => {
    const store = makeStore({ 'flights.csv': flightRows(), 'weather.csv': WEATHER });
    const features = [
      { name: 'temp', type: 'Float32' },
      { name: 'wind_sum', type: 'Int64', window: { function: 'Sum', of: 'wind', range: '2h' } },
      { name: 'wind_mean', type: 'Float32', window: { function: 'Mean', of: 'wind', range: '2h' } },
      { name: 'readings', type: 'Int64', window: { function: 'Count', of: 'wind', range: '2h' } },
    ];
    const made = await runCommand('materialise', materialiseRequest(store, { features }));
    expect(made.code, made.log).toBe(0);
    const feature = {
      featureSet: 'weather',
      dir: join(store, 'features/weather/abc123/1'),
      entities: [{ name: 'origin', type: 'String' }],
      ttl: '3h',
      select: features,
    };
    const { code, result, log } = await runCommand('build-dataset', datasetRequest(store, {}, { features: [feature] }));
    expect(code, log).toBe(0);
    expect(result).toMatchObject({ rows: { train: 216, validation: 96, test: 88 } });
    const folder = join(store, 'datasets/flights', String(result?.['digest']).replace(':', '-'));
    const rows = await readParquet(
      join(folder, 'train/part-0.parquet'),
      'temp, wind_sum, wind_mean, readings, typeof(wind_sum) AS s, typeof(wind_mean) AS m',
    );
    // Row 10 is EWR at 10:00, row 12 is EWR at 12:00: 10:00 lies just outside its window of two hours.
    expect(rows[10]).toMatchObject({ wind_sum: '10', wind_mean: 10, readings: '1', s: 'BIGINT', m: 'FLOAT' });
    expect(rows[12]).toMatchObject({ temp: 40.5, wind_sum: '12', readings: '1' });
    expect(rows[14]).toMatchObject({ temp: 40.5, wind_sum: null, wind_mean: null, readings: '0' });
    expect(rows[16]).toMatchObject({ temp: null });
  });

  it('survives infinities and huge numbers in a profile', async () => {
    const { code, log } = await build(
      { distance: (row) => (row === 1 ? 'inf' : row === 2 ? '1e308' : row === 3 ? '-1e308' : row / 7) },
      { sql: 'SELECT * REPLACE (CAST(distance AS DOUBLE) AS distance) FROM source' },
    );
    expect(code, log).toBe(0);
  });
});

describe('build-dataset refuses', { timeout: 60_000 }, () => {
  it.each<[string, Columns, object, object, string, RegExp]>([
    [
      'rows of a file that is not there',
      {},
      { source: { dir: 'STORE', path: 'none.csv', format: 'Csv' } },
      {},
      'FileNotFound',
      /none\.csv/,
    ],
    ['a key that is not there', {}, { keys: ['carrier'] }, {}, 'ColumnNotFound', /carrier.*origin/s],
    [
      'a key that does not fit its entity',
      {},
      {},
      {
        features: [
          {
            featureSet: 'f',
            dir: 'STORE/f',
            entities: [{ name: 'origin', type: 'Int64' }],
            ttl: '1h',
            select: [{ name: 'a', type: 'Float64' }],
          },
        ],
      },
      'TypeMismatch',
      /origin.*EWR/s,
    ],
    [
      'an entity that is no key',
      {},
      {},
      {
        features: [
          {
            featureSet: 'f',
            dir: 'STORE/f',
            entities: [{ name: 'carrier', type: 'String' }],
            ttl: '1h',
            select: [{ name: 'a', type: 'Float64' }],
          },
        ],
      },
      'ColumnNotFound',
      /carrier/,
    ],
    [
      'a column that comes twice',
      {},
      {},
      {
        features: [
          {
            featureSet: 'f',
            dir: 'STORE/f',
            entities: [{ name: 'origin', type: 'String' }],
            ttl: '1h',
            select: [{ name: 'distance', type: 'Float64' }],
          },
        ],
      },
      'RequestInvalid',
      /distance/,
    ],
    [
      'a materialisation that is not there',
      {},
      {},
      {
        features: [
          {
            featureSet: 'f',
            dir: 'STORE/none',
            entities: [{ name: 'origin', type: 'String' }],
            ttl: '1h',
            select: [{ name: 'a', type: 'Float64' }],
          },
        ],
      },
      'FileNotFound',
      /./,
    ],
    [
      'a label that is null',
      { late: (row) => (row === 7 ? '' : row % 2) },
      label({ onNull: 'Fail' }),
      {},
      'LabelNull',
      /1 of 400/,
    ],
    [
      'a label that is a list',
      {},
      { sql: 'SELECT * REPLACE ([late] AS late) FROM source' },
      {},
      'TypeMismatch',
      /late/,
    ],
    ['a moment that is none', { at: (row) => (row === 7 ? 'soon' : '2013-01-01') }, {}, {}, 'TimeInvalid', /at.*soon/s],
    [
      'a split before all rows',
      {},
      {},
      { split: { by: 'Time', validationFrom: '2012-01-01T00:00:00Z', gap: '0s' } },
      'SplitEmpty',
      /train.*2013-01-01.*2013-01-17/s,
    ],
    [
      'a split after all rows',
      {},
      {},
      { split: { by: 'Time', validationFrom: '2014-01-01T00:00:00Z', gap: '0s' } },
      'SplitEmpty',
      /validation.*2013-01-01.*2013-01-17/s,
    ],
  ])('%s', async (...[, columns, rows, overrides, reason, message]) => {
    const store = makeStore({ 'flights.csv': flightRows(columns), 'f/part-0.parquet': 'no Parquet' });
    const request = JSON.parse(
      JSON.stringify(datasetRequest(store, { ...rows }, { ...overrides })).replaceAll('STORE', store),
    ) as object;
    const { code, result, log } = await runCommand('build-dataset', request);
    expect(result?.['reason'], log).toMatch(new RegExp(`^(${reason})$`));
    expect(result?.['message']).toMatch(message);
    expect(code).toBe(3);
    expect(existsSync(join(store, 'datasets/flights')) ? readdirSync(join(store, 'datasets/flights')) : []).toEqual([]);
  });
});

describe('a leak of the label is caught', { timeout: 60_000 }, () => {
  const minutes = (row: number): number => Math.floor(((row * 7919) % 400) ** 2 / 4000);

  it.each<[string, Columns]>([
    ['a copy of a label of two values', { distance: (row) => (row % 3 === 0 ? 1 : 0) }],
    ['a number that ranks the label, upside down', { distance: (row) => (row % 3 === 0 ? -row : row + 1) }],
    ['a copy of a numeric label with many equal values', { late: minutes, distance: minutes }],
    ['a monotone function of a numeric label', { late: minutes, distance: (row) => Math.sqrt(minutes(row)) }],
    [
      'a word that determines the label',
      { distance: (row) => (row % 3 === 0 ? 'delayed' : row % 2 === 0 ? 'ok' : 'fine') },
    ],
    [
      'a number of few values that determines the label out of order',
      { distance: (row) => (row % 3 === 0 ? 2 : row % 2 === 0 ? 1 : 3) },
    ],
    [
      'a moment that ranks the label',
      { distance: (row) => new Date(Date.UTC(row % 3 === 0 ? 2014 : 2012, 0, 1, row)).toISOString() },
    ],
    [
      'a number that determines a label of three words',
      { late: (row) => ['early', 'late', 'ok'][row % 3] ?? '', distance: (row) => row % 3 },
    ],
  ])('%s', async (_, columns) => {
    const { code, result, log } = await build(columns);
    expect(result, log).toMatchObject({
      ok: false,
      reason: 'LabelLeak',
      message: expect.stringMatching(/distance.*(0\.99|1\.0|100)/s),
    });
    expect(code).toBe(3);
  });

  it('is only a warning where the person says so', async () => {
    const { code, result } = await build({ distance: (row) => (row % 3 === 0 ? 1 : 0) }, label({ onLeak: 'Warn' }));
    expect(code).toBe(0);
    expect(String(result?.['warnings'])).toMatch(/distance/);
  });

  it.each<[string, Columns]>([
    ['a good but honest column', { distance: (row) => (row % 3 === 0 ? 100 : 0) + ((row * 7919) % 130) }],
    ['a column that never changes', { distance: () => 5 }],
    [
      'a label of which one row in 400 differs',
      { late: (row) => (row === 200 ? 1 : 0), distance: (row) => (row === 200 ? 1000 : row) },
    ],
  ])('but not in %s', async (_, columns) => {
    const { code, result, log } = await build(columns);
    expect(code, log).toBe(0);
    expect(result?.['warnings']).toEqual([]);
  });
});
