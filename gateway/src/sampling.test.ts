/** Samples of requests through a real gateway with real model servers behind it, and what disks do to those who ask: nothing. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { isSampled } from '@slipway/serving-runtime/server/payload-log/sampling';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Sampling } from './routing/route.ts';
import { createSampleDisk } from './sampling/sample-disk.ts';
import type { SampleDisk } from './sampling/sample-disk.ts';
import { startModelPods } from './testing/model-pods.ts';
import type { ModelPods } from './testing/model-pods.ts';
import { startOddPod } from './testing/odd-pod.ts';
import type { OddPod } from './testing/odd-pod.ts';
import { aRoute } from './testing/routes.ts';
import { ask, eventually, FLIGHTS, INFER, row, startGateway } from './testing/running-gateway.ts';
import type { RunningGateway } from './testing/running-gateway.ts';

const ALL: Sampling = { percent: 100, maxPerMinute: 60_000, maxBytes: 65_536 };

interface Line {
  readonly time: string;
  readonly requestId: string;
  readonly revision?: string;
  readonly mirrored: boolean;
  readonly outcome: string;
  readonly path: string;
  readonly code?: number;
  readonly request: Body;
  readonly answer?: Body;
}
interface Body {
  readonly bytes: number;
  readonly truncated: boolean;
  readonly json?: unknown;
  readonly base64?: string;
}

let pods: ModelPods;
let odd: OddPod;
let folder: string;
let gateway: RunningGateway;

beforeAll(async () => {
  pods = await startModelPods(21, 1);
  odd = await startOddPod((asked, response) => {
    if (asked.url === '/break') response.write('{"half":', () => asked.socket.destroy());
    else if (asked.url !== '/hang') response.end('x'.repeat(200_000));
    asked.resume();
  });
});
afterAll(async () => {
  await pods?.stop();
  await odd?.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-samples-'));
});
afterEach(async () => {
  await gateway?.stop(0);
  rmSync(folder, { recursive: true, force: true });
  expect(gateway.faults).toEqual([]);
});

type Given = Parameters<typeof startGateway>[1];

async function start(sampling: Sampling | undefined, given: Partial<Given> = {}): Promise<void> {
  gateway = await startGateway({}, { folder, ...given });
  const backend = { ...pods.backend('flights-1', 100), modelVersion: 'flights-delay-3' };
  gateway.table.set(aRoute([backend], { sampling, hosts: ['127.0.0.1'] }));
}

const infer = (id: string, more: Partial<Parameters<typeof ask>[0]> = {}) =>
  ask({ port: gateway.port, path: INFER, body: row(2, 3), ...more, headers: { 'x-request-id': id, ...more.headers } });

/** All that are written, once the gateway has written what it has. */
async function linesAfterStop(): Promise<Line[]> {
  await gateway.stop(1000);
  return lines();
}

function lines(): Line[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const text = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')).join('');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
}

describe('a sampled request', () => {
  it('is a line with what was asked and answered, by whom, and nothing of its headers or its query', async () => {
    await start(ALL);
    const answer = await infer('r-1', {
      path: `${INFER}?api_key=secret`,
      headers: { authorization: 'Bearer secret', cookie: 'session=secret', 'content-type': 'application/json' },
    });
    const [line, ...more] = await linesAfterStop();

    expect(more).toEqual([]);
    expect(line).toEqual({
      time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
      requestId: 'r-1',
      namespace: 'team-a',
      service: 'flights',
      revision: 'flights-1',
      modelVersion: 'flights-delay-3',
      mirrored: false,
      protocol: 'http',
      method: 'POST',
      path: INFER,
      outcome: 'Answered',
      code: 200,
      durationSeconds: expect.any(Number),
      request: {
        contentType: 'application/json',
        bytes: row(2, 3).length,
        truncated: false,
        json: JSON.parse(row(2, 3)),
      },
      answer: expect.objectContaining({ truncated: false, json: JSON.parse(answer.body) }),
    });
    expect(JSON.stringify(line)).not.toContain('secret');
    expect(await gateway.metric('samples_total')).toBe(1);
    const name = String.raw`\d{4}-\d{2}-\d{2}T\d{2}-gateway-a-0000000a-1\.jsonl`;
    expect(readdirSync(join(folder, 'team-a/flights'))).toEqual([expect.stringMatching(new RegExp(`^${name}$`))]);
  });

  it('of gRPC has the messages, without what frames them, and the code', async () => {
    await start(ALL);
    const x = { name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [2, 3] } };
    const client = grpcClient(gateway.port);
    await client.call('ModelInfer', { model_name: 'add', inputs: [x] });
    await expect(client.call('ModelInfer', { model_name: 'none', inputs: [x] })).rejects.toThrow();
    client.close();
    const [good, bad] = await linesAfterStop();

    expect(good).toMatchObject({ code: 0, revision: 'flights-1', path: '/inference.GRPCInferenceService/ModelInfer' });
    // Field 1, `model_name`: three bytes.
    expect(Buffer.from(good?.request.base64 ?? '', 'base64').subarray(0, 5)).toEqual(Buffer.from('\n\x03add'));
    expect(good?.request.bytes).toBe(Buffer.from(good?.request.base64 ?? '', 'base64').length);
    expect(bad).toMatchObject({ code: 5, outcome: 'Answered' });
  });

  it('is cut off at maxBytes, and has no bodies at 0', async () => {
    await start({ ...ALL, maxBytes: 10 });
    await infer('short');
    gateway.table.set(aRoute([pods.backend('flights-1', 100)], { sampling: { ...ALL, maxBytes: 0 } }));
    await infer('none');
    const [short, none] = await linesAfterStop();

    const start64 = Buffer.from(row(2, 3).slice(0, 10)).toString('base64');
    expect(short?.request).toEqual({ bytes: row(2, 3).length, truncated: true, base64: start64 });
    expect(none?.request).toEqual({ bytes: row(2, 3).length, truncated: true });
    expect(none?.answer).not.toHaveProperty('json');
  });

  it('is one of those whose ids say so, in every gateway, and no other', async () => {
    await start({ ...ALL, percent: 30 });
    const ids = Array.from({ length: 60 }, (_, index) => `request-${index}`);
    await Promise.all(ids.map((id) => infer(id)));
    const expected = ids.filter((id) => isSampled(id, 0.3));

    expect((await linesAfterStop()).map(({ requestId }) => requestId).sort()).toEqual(expected.sort());
    expect(expected.length).toBeGreaterThan(5);
  });

  it('is none that only asks for health or metadata, or that has no route with sampling', async () => {
    await start(ALL);
    await ask({ port: gateway.port, path: '/v2/health/ready' });
    const client = grpcClient(gateway.port);
    await client.call('ModelMetadata', { name: 'add' });
    client.close();
    gateway.table.set(aRoute([pods.backend('flights-1', 100)]));
    await infer('unasked');

    expect(await linesAfterStop()).toEqual([]);
    expect(await gateway.metric('samples_dropped_total')).toBe(0);
  });

  it('says how it ended where nobody got a whole answer', async () => {
    await start(ALL);
    gateway.table.set(aRoute([odd.backend('odd-1', 100)], { sampling: ALL }));
    await infer('broken', { path: '/break' }).catch(() => {});
    const headers = { host: FLIGHTS, 'x-request-id': 'gone' };
    const client = request({ port: gateway.port, path: '/hang', method: 'POST', headers }).on('error', () => {});
    client.end(row(2, 3));
    await eventually(() => odd.seen.at(-1)?.path).toBe('/hang');
    client.destroy();
    await infer('long', { path: '/long' });
    await eventually(() => gateway.metric('samples_total')).toBe(3);
    const all = await linesAfterStop();
    const of = (id: string) => all.find(({ requestId }) => requestId === id);

    expect(of('broken')).toMatchObject({ outcome: 'BrokenOff', code: 200, answer: { bytes: 8, truncated: false } });
    expect(of('gone')).toMatchObject({ code: 499, outcome: 'ClientGone' });
    expect(of('long')?.answer).toMatchObject({ bytes: 200_000, truncated: true });
    expect(Buffer.from(of('long')?.answer?.base64 ?? '', 'base64')).toHaveLength(65_536);
  });

  it('has a second line for a copy that a mirror answered', async () => {
    await start(ALL);
    const shadow = odd.backend('shadow-1', 0);
    const stable = pods.backend('flights-1', 100);
    const mirrors = [{ backend: shadow, percent: 100 }];
    gateway.table.set(aRoute([stable, shadow], { sampling: { ...ALL, percent: 30 }, mirrors }));
    const ids = Array.from({ length: 20 }, (_, index) => `request-${index}`);
    for (const id of ids) await infer(id);
    await eventually(() => gateway.metric('mirrored_total')).toBe(ids.length);
    const expected = ids.filter((id) => isSampled(id, 0.3));
    await eventually(() => gateway.metric('samples_total')).toBe(2 * expected.length);
    const all = await linesAfterStop();

    const of = (isMirrored: boolean) =>
      all.flatMap(({ requestId, mirrored }) => (mirrored === isMirrored ? [requestId] : [])).sort();
    expect(of(false)).toEqual(expected.sort());
    expect(of(true)).toEqual(expected.sort());
    expect(all.find(({ mirrored }) => mirrored)).toMatchObject({
      revision: 'shadow-1',
      code: 200,
      request: { json: JSON.parse(row(2, 3)) },
      answer: { bytes: 200_000 },
    });
  });

  it('is no more than maxPerMinute allows; those beyond are counted', async () => {
    await start({ ...ALL, maxPerMinute: 20 });
    for (let count = 0; count < 10; count += 1) await infer(`r-${count}`);
    const written = (await linesAfterStop()).length;

    // A tenth of a minute's at once; one more for each 3 s that it took.
    expect(written).toBeGreaterThanOrEqual(2);
    expect(written + (await gateway.metric('samples_dropped_total', { reason: 'rate' }))).toBe(10);
    expect(await gateway.metric('samples_dropped_total')).toBeGreaterThan(0);
  });
});

describe('a disk', () => {
  it('that cannot be written to hurts nobody: the log says so once, the metric each time, and the log that it is over', async () => {
    writeFileSync(join(folder, 'team-a'), 'in the way');
    await start(ALL);
    for (let count = 0; count < 5; count += 1) expect((await infer(`r-${count}`)).status).toBe(200);
    await eventually(() => gateway.metric('samples_dropped_total', { reason: 'disk' })).toBe(5);
    expect(gateway.said).toEqual(['samples are lost: they cannot be written']);

    rmSync(join(folder, 'team-a'));
    await infer('later');
    await eventually(() => gateway.metric('samples_total')).toBe(1);
    expect(gateway.said.slice(1)).toEqual(['samples are written again']);
    expect((await linesAfterStop()).map(({ requestId }) => requestId)).toEqual(['later']);
  });

  it('that hangs keeps no request waiting, and takes no more memory than it may', async () => {
    const disk = createSampleDisk(folder);
    const { promise: hangs, resolve: goOn } = Promise.withResolvers<void>();
    const slow: SampleDisk = { ...disk, create: (path, text) => hangs.then(() => disk.create(path, text)) };
    await start(ALL, { disk: slow, limits: { memoryBytes: 20_000 } });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => infer(`r-${index}`)));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const dropped = await gateway.metric('samples_dropped_total', { reason: 'memory' });
    expect(dropped).toBeGreaterThan(30);
    goOn();
    await eventually(() => gateway.metric('samples_total')).toBe(60 - dropped);
    // The room is free again.
    await infer('later');
    expect((await linesAfterStop()).map(({ requestId }) => requestId)).toContain('later');
  });

  it('that is full loses samples and no request', async () => {
    await start({ ...ALL }, { limits: { maxBytes: 4096 } });
    const large = JSON.stringify({ ...(JSON.parse(row(2, 3)) as object), id: 'x'.repeat(8000) });
    for (let count = 0; count < 3; count += 1) expect((await infer('large', { body: large })).status).toBe(200);
    await eventually(() => gateway.metric('samples_dropped_total', { reason: 'full' })).toBe(3);

    expect((await infer('small')).status).toBe(200);
    await eventually(() => gateway.metric('samples_total')).toBe(1);
    expect(gateway.said).toHaveLength(2);
  });
});
