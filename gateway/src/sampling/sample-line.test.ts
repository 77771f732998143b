/** Lines of samples, read by JavaScript and by DuckDB, which gives a whole file up for one line that it cannot read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { Sample, SampledBody } from './sample.ts';
import { sampleLine } from './sample-line.ts';

function aBody(start: string | Buffer, more: Partial<SampledBody> = {}): SampledBody {
  const bytes = Buffer.from(start as string);
  return {
    contentType: 'application/json',
    contentEncoding: undefined,
    inferenceHeaderLength: undefined,
    bytes: bytes.length,
    start: bytes,
    ...more,
  };
}

function aSample(more: Partial<Sample> = {}): Sample {
  return {
    startedAt: Date.UTC(2026, 10, 30, 18, 0, 0, 123),
    requestId: 'r-1',
    namespace: 'team-a',
    service: 'flights',
    revision: 'flights-5b7',
    modelVersion: 'flights-delay-3-7f3a2c',
    isGrpc: false,
    method: 'POST',
    path: '/v2/models/flights/infer',
    isMirrored: false,
    outcome: 'Answered',
    code: 200,
    durationSeconds: 0.0123456789,
    request: aBody('{"a": 1}'),
    answer: aBody('{"b": 2}'),
    heldBytes: 0,
    ...more,
  };
}

const read = (sample: Sample) => JSON.parse(sampleLine(sample)) as Record<string, unknown>;
const requestOf = (body: SampledBody) => read(aSample({ request: body }))['request'];

describe('a line', () => {
  it('says who asked what of whom, and what came back', () => {
    const line = sampleLine(aSample());

    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual({
      time: '2026-11-30T18:00:00.123Z',
      requestId: 'r-1',
      namespace: 'team-a',
      service: 'flights',
      revision: 'flights-5b7',
      modelVersion: 'flights-delay-3-7f3a2c',
      mirrored: false,
      protocol: 'http',
      method: 'POST',
      path: '/v2/models/flights/infer',
      outcome: 'Answered',
      code: 200,
      durationSeconds: 0.012346,
      request: { contentType: 'application/json', bytes: 8, truncated: false, json: { a: 1 } },
      answer: { contentType: 'application/json', bytes: 8, truncated: false, json: { b: 2 } },
    });
  });

  it('leaves out what there was not', () => {
    const line = read(aSample({ revision: undefined, modelVersion: undefined, code: undefined, answer: undefined }));

    expect(line).not.toHaveProperty('answer');
    expect(line).not.toHaveProperty('revision');
    expect(requestOf(aBody(''))).toEqual({ contentType: 'application/json', bytes: 0, truncated: false });
  });
});

const base64 = (body: string | Buffer) => Buffer.from(body as string).toString('base64');

describe('a body', () => {
  it('of JSON stands as it came, over lines and with numbers that JavaScript has not', () => {
    const line = sampleLine(aSample({ request: aBody('\n{"id":\r\n9007199254740993}\n') }));

    expect(line.split('\n')).toHaveLength(2);
    expect(line).toContain('"json":{"id":  9007199254740993}}');
  });

  it.each([
    ['is cut off', aBody('{"a": [1, 2', { bytes: 4000 })],
    ['is none of JSON', aBody('{"a": 1,}')],
    ['would end the line and begin one of its own', aBody('{"a": 1}}\n{"requestId":"forged"}')],
    ['is a number alone', aBody('5')],
    ['is compressed', aBody(Buffer.from([0x1f, 0x8b, 8, 0, 0xff]), { contentEncoding: 'gzip' })],
    ['is no UTF-8', aBody(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]))],
    ['is nested deeper than most programs read', aBody('['.repeat(101) + ']'.repeat(101))],
    ['has half of a character', aBody(String.raw`{"a":"\ud83d"}`)],
    ['has the other half', aBody(String.raw`{"\uDE00":1}`)],
    ['has halves in the wrong order', aBody(String.raw`["\ude00\ud83d"]`)],
  ])('that %s is written as base64', (_, body) => {
    expect(requestOf(body)).toMatchObject({ truncated: body.start.length < body.bytes, base64: base64(body.start) });
    expect(requestOf(body)).not.toHaveProperty('json');
  });

  it.each([
    ['whole characters that are escaped', String.raw`{"a":"\ud83d\ude00"}`],
    ['names of JavaScript', '{"__proto__":{"a":1}}'],
    ['a hundred levels', '['.repeat(100) + ']'.repeat(100)],
    ['brackets in texts', `["${'['.repeat(500)}"]`],
  ])('with %s stands as it is', (_, body) => {
    expect(sampleLine(aSample({ request: aBody(body) }))).toContain(`"json":${body}}`);
  });
});

it('is read by DuckDB, whatever a client sends', async () => {
  const nasty = [
    String.raw`{"a":"\ud83d"}`,
    String.raw`{"a":"\ud83d\ude00 \u0000"}`,
    '{"a":1e999,"a":2}',
    `[${'1'.repeat(5000)}]`,
    '['.repeat(90_000),
    '{"a": 1}}\n{"requestId":"forged"}',
    '{"":{"__proto__":null}}',
    Buffer.from([0, 1, 2, 0xff, 0x0a, 0x22]),
  ];
  const ids = ['"', '\u2028', '=@-/'];
  const lines = nasty.map((body, index) =>
    sampleLine(aSample({ requestId: `r-${index}`, request: aBody(body), answer: aBody(body) })),
  );
  const odd = ids.map((requestId) => sampleLine(aSample({ requestId, path: '/\u00ff\u0001"' })));
  const folder = mkdtempSync(join(tmpdir(), 'slipway-samples-'));
  writeFileSync(join(folder, 'all.jsonl'), [...lines, ...odd].join(''));
  const database = await (await DuckDBInstance.create()).connect();
  const rows = await database.runAndReadAll(
    `SELECT requestId FROM read_json('${folder}/all.jsonl', format = 'newline_delimited', columns = {
       requestId: 'VARCHAR', request: 'STRUCT(bytes BIGINT, json JSON, base64 VARCHAR)'})`,
  );
  rmSync(folder, { recursive: true });

  expect(rows.getRows().flat()).toEqual([...nasty.map((_, index) => `r-${index}`), ...ids]);
});
