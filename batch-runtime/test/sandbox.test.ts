import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { datasetRequest, flightRows, materialiseRequest, WEATHER } from './requests.ts';
import { makeStore, runCommand } from './run-command.ts';

const SELECT = 'SELECT * FROM source';

describe("a person's SQL", { timeout: 60_000 }, () => {
  it.each([
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_csv('STORE/other/secret.csv')",
    "SELECT * FROM 'STORE/other/secret.csv'",
    "SELECT * FROM read_text('STORE/weather.csv/../other/secret.csv')",
    "SELECT * FROM read_text('STORE/features/weather/abc123/0/secret.csv')",
    "SELECT * FROM query('COPY (SELECT 1) TO ''STORE/out.csv''')",
    "COPY (SELECT 1) TO 'STORE/out.csv'",
    "ATTACH 'STORE/out.csv'",
    'INSTALL httpfs',
    'LOAD httpfs',
    'SET enable_external_access = true',
    'PRAGMA database_list',
    'CREATE TABLE t AS SELECT 1',
    'DROP VIEW source',
    'CALL enable_logging()',
    `${SELECT}; COPY source TO 'STORE/out.csv'`,
    `SELECT 1) AS t; COPY (SELECT 1) TO 'STORE/out.csv'; SELECT * FROM (SELECT 1`,
    "SELECT getenv('HOME')",
    'SELECT $1',
    '-- nothing',
  ])('cannot do this: %s', async (sql) => {
    const store = makeStore({
      'weather.csv': WEATHER,
      'other/secret.csv': 'a\nb\n',
      'features/weather/abc123/0/secret.csv': 'a\nb\n',
    });
    const { code, result, log } = await runCommand(
      'materialise',
      materialiseRequest(store, { sql: sql.replaceAll('STORE', store) }),
    );
    expect(result, log).toMatchObject({ ok: false, reason: 'SqlInvalid' });
    expect(code).toBe(3);
    expect(existsSync(join(store, 'out.csv'))).toBe(false);
  });

  it('cannot read the features of a Dataset but through the join', async () => {
    const store = makeStore({ 'flights.csv': flightRows(), 'weather.csv': WEATHER });
    await runCommand('materialise', materialiseRequest(store));
    const dir = join(store, 'features/weather/abc123/1');
    const feature = {
      featureSet: 'weather',
      dir,
      entities: [{ name: 'origin', type: 'String' }],
      ttl: '3h',
      select: [{ name: 'temp', type: 'Float32' }],
    };
    const sql = `SELECT * FROM source, (SELECT count(*) FROM read_parquet('${dir}/part-0.parquet'))`;
    const { result, log } = await runCommand('build-dataset', datasetRequest(store, { sql }, { features: [feature] }));
    expect(result, log).toMatchObject({ ok: false, reason: 'SqlInvalid' });
  });

  it.each([
    `${SELECT};`,
    `${SELECT}; -- that is all`,
    `${SELECT} -- that is all`,
    `/* first */ FROM source`,
    `WITH a AS (${SELECT}) SELECT * FROM a`,
    `SELECT * FROM source WHERE origin <> ';--'`,
  ])('may be written like this: %s', async (sql) => {
    const store = makeStore({ 'weather.csv': WEATHER });
    const { code, log } = await runCommand('materialise', materialiseRequest(store, { sql }));
    expect(code, log).toBe(0);
  });

  it('cannot reach what lies in the Store by way of a link to a folder', async () => {
    const store = makeStore({ 'in/weather.csv': WEATHER });
    const outside = makeStore({ 'weather.csv': WEATHER });
    mkdirSync(join(store, 'links'));
    const { symlinkSync } = await import('node:fs');
    symlinkSync(outside, join(store, 'links/out'));
    writeFileSync(join(store, 'note'), '');
    const request = materialiseRequest(store, { source: { dir: store, path: 'links/*/weather.csv', format: 'Csv' } });
    const { code, result } = await runCommand('materialise', request);
    expect(result).toMatchObject({ ok: false, reason: expect.stringMatching(/FileNotReadable|FileNotFound/) });
    expect(code).toBe(3);
  });
});
