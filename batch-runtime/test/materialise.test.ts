import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOfRecords } from '@slipway/crds/digest';
import { readParquet } from './read-parquet.ts';
import { materialiseRequest, WEATHER } from './requests.ts';
import { makeStore, runCommand } from './run-command.ts';
import type { Outcome } from './run-command.ts';

async function fails(
  files: Record<string, string>,
  overrides: object,
): Promise<{ reason: unknown; message: string; code: Outcome['code']; store: string }> {
  const store = makeStore(files);
  const { code, result, log } = await runCommand('materialise', materialiseRequest(store, { ...overrides }));
  expect(result, log).toMatchObject({ ok: false });
  expect(existsSync(join(store, 'features/weather/abc123/1'))).toBe(false);
  return { reason: result?.['reason'], message: String(result?.['message']), code, store };
}

async function succeeds(
  files: Record<string, string>,
  overrides: object = {},
): Promise<{ store: string; result: Record<string, unknown>; part: string }> {
  const store = makeStore(files);
  const { code, result, log } = await runCommand('materialise', materialiseRequest(store, { ...overrides }));
  expect(code, log).toBe(0);
  return { store, result: result ?? {}, part: join(store, 'features/weather/abc123/1/part-0.parquet') };
}

const check = (fields: object): object => ({ maxBadFraction: 0, onBad: 'Keep', onFailure: 'KeepLast', ...fields });

describe('materialise', { timeout: 60_000 }, () => {
  it('keeps keys, times, features and the order of the source, and tells rows, digest and watermark', async () => {
    const { store, result, part } = await succeeds({ 'weather.csv': WEATHER });
    expect(result).toMatchObject({
      ok: true,
      rows: 4,
      watermark: {
        event: expect.stringMatching(/^2013-01-01T12:00:00/),
        known: expect.stringMatching(/^2013-01-01T12:00:00/),
      },
    });
    const rows = await readParquet(
      part,
      'origin, epoch_us(__event)::VARCHAR AS e, epoch_us(__known)::VARCHAR AS k, typeof(temp) AS t, wind',
    );
    expect(rows).toHaveLength(4);
    expect(rows.every(({ e, k, t }) => e === k && t === 'FLOAT')).toBe(true);
    expect(readdirSync(join(store, 'features/weather/abc123')).filter((name) => name !== '1')).toEqual([]);
  });

  it('answers the same again without writing anything', async () => {
    const { store, result } = await succeeds({ 'weather.csv': WEATHER });
    writeFileSync(join(store, 'weather.csv'), 'gone');
    expect((await runCommand('materialise', materialiseRequest(store))).result).toEqual(result);
  });

  it('gives the same digest for the same input, and both of two at once the same answer', async () => {
    const first = await succeeds({ 'weather.csv': WEATHER });
    const store = makeStore({ 'weather.csv': WEATHER });
    const both = await Promise.all([1, 2].map(() => runCommand('materialise', materialiseRequest(store))));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ result }) => result?.['digest'])).toEqual([first.result['digest'], first.result['digest']]);
    expect(readdirSync(join(store, 'features/weather/abc123'))).toEqual(['1']);
  });

  it('keeps zones, takes times without one as UTC, and keeps microseconds', async () => {
    const csv = 'origin,time,temp,wind\nA,2013-03-10T02:30:00-05:00,1,1\nB,2013-11-03 01:30:00.000001,1,1\n';
    const { part } = await succeeds({ 'weather.csv': csv });
    const rows = await readParquet(part, 'origin, epoch_us(__event)::VARCHAR AS e');
    expect(rows).toContainEqual({ origin: 'A', e: String(Date.UTC(2013, 2, 10, 7, 30) * 1000) });
    expect(rows).toContainEqual({ origin: 'B', e: String(Date.UTC(2013, 10, 3, 1, 30) * 1000 + 1) });
  });

  it('reads local times of a zone in SQL across the change of the clocks', async () => {
    const csv = 'origin,local,temp,wind\nA,2013-03-10 01:30:00,1,1\nA,2013-03-10 03:30:00,2,2\n';
    const sql = "SELECT *, local AT TIME ZONE 'America/New_York' AS time FROM source";
    const { part } = await succeeds({ 'weather.csv': csv }, { sql });
    const rows = await readParquet(part, 'epoch_us(__event)::VARCHAR AS e');
    expect(rows.map(({ e }) => Number(e))).toEqual([6, 7].map((hour) => Date.UTC(2013, 2, 10, hour, 30) * 1000));
  });

  it('leaves out rows without a time and says how many', async () => {
    const { result } = await succeeds({ 'weather.csv': `${WEATHER}LGA,,1,1\n` });
    expect(result['rows']).toBe(4);
    expect(String(result['warnings'])).toMatch(/1 .*(time|left out)/);
  });

  it('reads several files, Parquet and JSON', async () => {
    const json = '{"origin":"A","time":"2013-01-01T00:00:00Z","temp":1.5,"wind":2}\n';
    const { store, result } = await succeeds({ 'weather.csv': WEATHER, 'in/a.json': json, 'in/b.json': json });
    expect(result['rows']).toBe(4);
    const fromJson = materialiseRequest(store, {
      source: { dir: store, path: 'in/*.json', format: 'Json' },
      outputDir: join(store, 'features/weather/abc123/2'),
    });
    expect((await runCommand('materialise', fromJson)).result).toMatchObject({ ok: true, rows: 2 });
    const parquet = { dir: store, path: 'features/weather/abc123/1/*.parquet', format: 'Parquet' };
    const again = materialiseRequest(store, {
      source: parquet,
      time: { event: '__event', known: '__known' },
      outputDir: join(store, 'features/x/y/1'),
    });
    expect((await runCommand('materialise', again)).result).toMatchObject({ ok: true, rows: 4 });
  });

  it('reads a key that is declared String as text, with its leading zeros', async () => {
    const csv = WEATHER.replaceAll('EWR', '007').replaceAll('JFK', '08');
    const { part } = await succeeds({ 'weather.csv': csv });
    expect(
      (await readParquet(part, 'DISTINCT origin'))
        .map(({ origin }) => origin)
        .toSorted((a, b) => String(a).localeCompare(String(b))),
    ).toEqual(['007', '08']);
  });
});

describe('materialise refuses', { timeout: 60_000 }, () => {
  it.each<[string, Record<string, string>, object, string, RegExp]>([
    ['a file that is not there', { 'other.csv': WEATHER }, {}, 'FileNotFound', /weather\.csv/],
    [
      'a path out of the Store',
      { 'weather.csv': WEATHER },
      { source: { dir: 'STORE', path: '../*.csv', format: 'Csv' } },
      'FileNotFound|FileNotReadable|RequestInvalid',
      /./,
    ],
    [
      'a file of another format',
      { 'weather.csv': WEATHER },
      { source: { dir: 'STORE', path: 'weather.csv', format: 'Parquet' } },
      'FormatInvalid',
      /weather\.csv/,
    ],
    ['an empty file', { 'weather.csv': '' }, {}, 'TableEmpty|FormatInvalid', /./],
    ['a file with a header only', { 'weather.csv': 'origin,time,temp,wind\n' }, {}, 'TableEmpty|TimeInvalid', /./],
    ['SQL that is none', { 'weather.csv': WEATHER }, { sql: 'SELEC 1' }, 'SqlInvalid', /SELEC/],
    [
      'a column that is missing',
      { 'weather.csv': WEATHER },
      { features: [{ name: 'rain', type: 'Float32' }] },
      'ColumnNotFound',
      /rain.*temp/s,
    ],
    [
      'a column that the SQL does not find',
      { 'weather.csv': WEATHER },
      { sql: 'SELECT *, rain FROM source' },
      'ColumnNotFound',
      /rain.*temp/s,
    ],
    [
      'a text where a number is declared',
      { 'weather.csv': `${WEATHER}EWR,2013-01-02T00:00:00Z,NA,1\n` },
      {},
      'TypeMismatch',
      /temp.*1 .*NA/s,
    ],
    [
      'a fraction where an integer is declared',
      { 'weather.csv': WEATHER },
      { features: [{ name: 'temp', type: 'Int32' }] },
      'TypeMismatch',
      /temp.*39\.02/s,
    ],
    [
      'a number too large for its type',
      { 'weather.csv': `${WEATHER}EWR,2013-01-02T00:00:00Z,1,3000000000\n` },
      { features: [{ name: 'wind', type: 'Int32' }] },
      'TypeMismatch',
      /wind.*3000000000/s,
    ],
    ['a number as a time', { 'weather.csv': WEATHER }, { time: { event: 'wind' } }, 'TimeInvalid', /wind/],
    [
      'texts that are no times',
      { 'weather.csv': WEATHER.replace('2013-01-01T11', 'soon') },
      {},
      'TimeInvalid',
      /time.*soon/s,
    ],
    [
      'no time in any row',
      { 'weather.csv': 'origin,time,temp,wind\nA,,1,1\nB,,2,2\n' },
      {},
      'TableEmpty|TimeInvalid',
      /time/,
    ],
    [
      'a value above a bound',
      { 'weather.csv': WEATHER },
      { checks: [check({ feature: 'wind', max: 150 })] },
      'CheckFailed',
      /wind.*1 of 4.*150/s,
    ],
    [
      'too many nulls',
      { 'weather.csv': WEATHER },
      { checks: [check({ feature: 'temp', maxNullFraction: 0.1 })] },
      'CheckFailed',
      /temp.*1 of 4.*(0\.1|10 %)/s,
    ],
    [
      'bounds for a text',
      { 'weather.csv': WEATHER },
      {
        features: [{ name: 'origin2', type: 'String' }],
        sql: 'SELECT *, origin AS origin2 FROM source',
        checks: [check({ feature: 'origin2', max: 1 })],
      },
      'RequestInvalid|CheckFailed|TypeMismatch',
      /origin2/,
    ],
    [
      'a transform that gives nothing',
      { 'weather.csv': WEATHER },
      { sql: 'SELECT * FROM source WHERE false' },
      'TableEmpty',
      /./,
    ],
    [
      'a conversion that fails in the SQL',
      { 'weather.csv': `${WEATHER}EWR,2013-01-02T00:00:00Z,NA,1\n` },
      { sql: 'SELECT * REPLACE (CAST(temp AS DOUBLE) AS temp) FROM source' },
      'SqlInvalid|TypeMismatch',
      /NA/,
    ],
  ])('%s', async (...[, files, overrides, reason, message]) => {
    const store = makeStore(files);
    const filled = JSON.parse(JSON.stringify(overrides).replaceAll('STORE', store)) as object;
    const { code, result, log } = await runCommand('materialise', materialiseRequest(store, { ...filled }));
    expect(result?.['reason'], log).toMatch(new RegExp(`^(${reason})$`));
    expect(result?.['message']).toMatch(message);
    expect(String(result?.['message'])).not.toContain('LINE 1');
    expect(code).toBe(3);
    expect(existsSync(join(store, 'features/weather/abc123/1'))).toBe(false);
    expect(
      existsSync(join(store, 'features'))
        ? readdirSync(join(store, 'features'), { recursive: true }).filter((name) => String(name).includes('building'))
        : [],
    ).toEqual([]);
  });

  it('a link that leads out of the Store', async () => {
    const outside = makeStore({ 'secret.csv': WEATHER });
    const store = makeStore();
    symlinkSync(join(outside, 'secret.csv'), join(store, 'weather.csv'));
    const { code, result } = await runCommand('materialise', materialiseRequest(store));
    expect({ code, reason: result?.['reason'] }).toEqual({ code: 3, reason: 'FileNotReadable' });
  });

  it('a request that is none', async () => {
    const { code, result } = await runCommand('materialise', { featureSet: 'x' });
    expect({ code, reason: result?.['reason'] }).toEqual({ code: 3, reason: 'RequestInvalid' });
  });

  it.skipIf(process.getuid?.() !== 0)('a file that it may not read, and a Store that it may not write', async () => {
    const store = makeStore({ 'weather.csv': WEATHER });
    const { chmodSync } = await import('node:fs');
    chmodSync(store, 0o755);
    const readOnly = await runCommand('materialise', materialiseRequest(store), { uid: 65532 });
    expect(readOnly.result, readOnly.log).toMatchObject({ reason: 'StoreNotWritable' });
    mkdirSync(join(store, 'features'), { mode: 0o777 });
    chmodSync(join(store, 'features'), 0o777);
    chmodSync(join(store, 'weather.csv'), 0o600);
    const unreadable = await runCommand('materialise', materialiseRequest(store), { uid: 65532 });
    expect(unreadable.result, unreadable.log).toMatchObject({ reason: 'FileNotReadable' });
  });

  it('to take a folder that someone else made for its own', async () => {
    const store = makeStore({ 'weather.csv': WEATHER, 'features/weather/abc123/1/notes.txt': 'mine' });
    const { code, result } = await runCommand('materialise', materialiseRequest(store));
    expect(result).toMatchObject({ ok: false });
    expect(code).toBe(3);
    expect(readdirSync(join(store, 'features/weather/abc123/1'))).toEqual(['notes.txt']);
  });
});

describe('checks and windows of a materialisation', { timeout: 60_000 }, () => {
  it('sets values outside the bounds to null and says so', async () => {
    const { result, part } = await succeeds(
      { 'weather.csv': WEATHER },
      { checks: [check({ feature: 'wind', max: 150, maxBadFraction: 0.5, onBad: 'SetNull' })] },
    );
    expect(String(result['warnings'])).toMatch(/wind.*1 of 4.*150/);
    expect((await readParquet(part, 'wind')).filter(({ wind }) => wind === null)).toHaveLength(1);
  });

  it('lets a failed check of onFailure Warn pass with a warning', async () => {
    const { result } = await succeeds(
      { 'weather.csv': WEATHER },
      { checks: [check({ feature: 'wind', max: 150, onFailure: 'Warn' })] },
    );
    expect(String(result['warnings'])).toMatch(/wind.*1 of 4/);
  });

  it('takes a check of a windowed feature of the column that it is computed of', async () => {
    const features = [{ name: 'wind_mean', type: 'Float64', window: { function: 'Mean', of: 'wind', range: '3h' } }];
    const { code, result, log } = await runCommand(
      'materialise',
      materialiseRequest(makeStore({ 'weather.csv': WEATHER }), {
        features,
        checks: [check({ feature: 'wind_mean', max: 150 })],
      }),
    );
    expect(result, log).toMatchObject({ ok: false, reason: 'CheckFailed', message: expect.stringMatching(/wind/) });
    expect(code).toBe(3);
  });

  it('takes NaN for a bad value', async () => {
    const csv = `${WEATHER}EWR,2013-01-02T00:00:00Z,1,NaN\n`;
    const { reason } = await fails(
      { 'weather.csv': csv },
      {
        sql: 'SELECT * REPLACE (CAST(wind AS DOUBLE) AS wind) FROM source',
        checks: [check({ feature: 'wind', min: 0 })],
      },
    );
    expect(reason).toBe('CheckFailed');
  });

  it('survives times at the ends of the calendar', async () => {
    const csv = `${WEATHER}LGA,9999-12-31T00:00:00Z,1,1\n`;
    const { code, log } = await runCommand(
      'materialise',
      materialiseRequest(makeStore({ 'weather.csv': csv }), {
        sql: "SELECT *, 'infinity'::TIMESTAMPTZ AS known FROM source WHERE origin = 'LGA' UNION ALL SELECT *, time FROM source WHERE origin <> 'LGA'",
        time: { event: 'time', known: 'known' },
      }),
    );
    expect(code, log).toBe(0);
  });
});

describe('the digest of files', () => {
  it('is sha256 over sorted lines of sha256, size and path', () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    const files = [
      { path: 'b/x', size: 0, sha256: empty },
      { path: 'a', size: 5, sha256: hello },
    ];
    // printf '%s  5  a\n%s  0  b/x\n' $hello $empty | sha256sum
    expect(digestOfRecords(files)).toBe('sha256:ff1041e15a4a2daad0007a3fc9d30df037b2b41b61cc20211fca812ff35c7d3c');
    expect(digestOfRecords(files.toReversed())).toBe(digestOfRecords(files));
  });

  it('sorts paths as bytes, not as UTF-16', () => {
    const file = (path: string) => ({ path, size: 1, sha256: '0'.repeat(64) });
    // U+1F600 is D83D… in UTF-16, below U+FF5E; in UTF-8 it is F0…, above EF….
    const sorted = digestOfRecords([file('\u{FF5E}'), file('\u{1F600}')]);
    expect(sorted).toBe('sha256:54f977c5a316f4262ed3d0f7a573ebb635ae24ca5776da1c69a9e3c43bb4d5bc');
  });
});
