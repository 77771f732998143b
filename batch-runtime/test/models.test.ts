import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@slipway/crds/digest';
import { describe, expect, it } from 'vitest';
import { fail } from '../src/files/copy.ts';
import { constantModel, linearModel, WEIGHT_BYTES } from './onnx-model.ts';
import { makeStore, runCommand } from './run-command.ts';
import type { Outcome } from './run-command.ts';

const RUN = 'runs/uid/1/0';
type Files = Readonly<Record<string, string | Uint8Array>>;

const below = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([path, content]) => [`${RUN}/${path}`, content]));
const publishRequest = (store: string): object => ({
  runDir: join(store, RUN),
  modelsDir: join(store, 'models'),
  format: 'Onnx',
});

async function publish(files: Files): Promise<Outcome & { store: string }> {
  const store = makeStore(below(files));
  return { store, ...(await runCommand('publish-model', publishRequest(store))) };
}

function published(store: string): string[] {
  if (!existsSync(join(store, 'models'))) return [];
  return readdirSync(join(store, 'models'), { recursive: true }).map(String).sort();
}

describe('publish-model', { timeout: 60_000 }, () => {
  it('makes a folder named by the digest, with the signature and the metrics, once', async () => {
    const { store, code, result, log } = await publish({
      'model.onnx': linearModel(),
      'metrics.json': '{"validation.auc": 0.73}',
    });
    expect(code, log).toBe(0);
    expect(result).toMatchObject({
      ok: true,
      signature: {
        inputs: [{ name: 'x', dtype: 'Float32', shape: [-1, 2] }],
        outputs: [{ name: 'y', dtype: 'Float32', shape: [-1, 1] }],
      },
      metrics: { 'validation.auc': 0.73 },
    });
    const folder = String(result?.['digest']).replace(':', '-');
    expect(published(store)).toEqual([folder, `${folder}.manifest.json`, `${folder}/model.onnx`].sort());
    const again = await Promise.all([1, 2].map(() => runCommand('publish-model', publishRequest(store))));
    expect(again.map((outcome) => outcome.result)).toEqual([result, result]);
    expect(published(store)).toHaveLength(3);
  });

  it('takes a folder with external data, and names its .onnx file as servers look for it', async () => {
    const { store, code, result, log } = await publish({
      'model/net.onnx': linearModel({ location: 'weights.bin', length: 8 }),
      'model/weights.bin': WEIGHT_BYTES,
    });
    expect(code, log).toBe(0);
    const folder = join(store, 'models', String(result?.['digest']).replace(':', '-'));
    expect(readdirSync(folder).sort()).toEqual(['model.onnx', 'weights.bin']);
    const verified = await runCommand('verify-model', { dir: folder, digest: result?.['digest'], format: 'Onnx' });
    expect(verified.result, verified.log).toMatchObject({ ok: true, digest: result?.['digest'] });
  });

  it('tells a result of many metrics within the limit', async () => {
    const metrics = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`validation.${'long'.repeat(25)}.${index}`, index / 7]),
    );
    const { code, result, log } = await publish({
      'model.onnx': linearModel(),
      'metrics.json': JSON.stringify(metrics),
    });
    expect(code, log).toBe(0);
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThanOrEqual(2048);
    expect(Object.keys(result?.['metrics'] ?? {}).length).toBeGreaterThan(5);
  });

  it.each<[string, Files, string, RegExp]>([
    ['no output', {}, 'OutputMissing', /./],
    ['no model', { 'metrics.json': '{}' }, 'ModelMissing', /model\.onnx/],
    ['a model of another name', { 'best.onnx': linearModel() }, 'ModelMissing', /best\.onnx/],
    ['a folder without a model', { 'model/readme.txt': 'x' }, 'ModelMissing', /./],
    ['a file and a folder', { 'model.onnx': linearModel(), 'model/net.onnx': linearModel() }, 'ModelAmbiguous', /./],
    ['two models', { 'model.onnx': linearModel(), 'final.onnx': linearModel() }, 'ModelAmbiguous', /final\.onnx/],
    [
      'two models in the folder',
      { 'model/a.onnx': linearModel(), 'model/b.onnx': linearModel() },
      'ModelAmbiguous',
      /./,
    ],
    ['an empty file', { 'model.onnx': '' }, 'ModelInvalid', /./],
    ['a text', { 'model.onnx': 'this is no model' }, 'ModelInvalid', /./],
    ['half a model', { 'model.onnx': linearModel().subarray(0, 60) }, 'ModelInvalid', /./],
    [
      'external data that was not written',
      { 'model/net.onnx': linearModel({ location: 'weights.bin', length: 8 }) },
      'ModelInvalid',
      /weights\.bin/,
    ],
    [
      'external data beside a single file',
      { 'model.onnx': linearModel({ location: 'weights.bin', length: 8 }), 'weights.bin': WEIGHT_BYTES },
      'ModelInvalid',
      /weights\.bin.*model\//s,
    ],
    [
      'external data out of the folder',
      { 'model/net.onnx': linearModel({ location: '../weights.bin', length: 8 }), 'weights.bin': WEIGHT_BYTES },
      'ModelInvalid',
      /weights\.bin/,
    ],
    [
      'external data at an absolute path',
      { 'model/net.onnx': linearModel({ location: '/etc/hostname', length: 8 }) },
      'ModelInvalid',
      /\/etc\/hostname/,
    ],
    [
      'external data of a constant out of the folder',
      { 'model/net.onnx': constantModel({ location: '../weights.bin', length: 8 }), 'weights.bin': WEIGHT_BYTES },
      'ModelInvalid',
      /weights\.bin/,
    ],
    [
      'external data beyond the end of its file',
      {
        'model/net.onnx': linearModel({ location: 'weights.bin', offset: 4, length: 8 }),
        'model/weights.bin': WEIGHT_BYTES,
      },
      'ModelInvalid',
      /weights\.bin/,
    ],
    [
      'metrics that are no numbers',
      { 'model.onnx': linearModel(), 'metrics.json': '{"auc": "high"}' },
      'MetricsInvalid',
      /auc/,
    ],
    ['metrics with NaN', { 'model.onnx': linearModel(), 'metrics.json': '{"auc": NaN}' }, 'MetricsInvalid', /NaN/],
    ['metrics in a list', { 'model.onnx': linearModel(), 'metrics.json': '[0.7]' }, 'MetricsInvalid', /./],
    ['metrics that are a folder', { 'model.onnx': linearModel(), 'metrics.json/a': '{}' }, 'MetricsInvalid', /./],
  ])('refuses %s and publishes nothing', async (_, files, reason, message) => {
    const { store, code, result, log } = await publish(files);
    expect(result?.['reason'], log).toBe(reason);
    expect(result?.['message']).toMatch(message);
    expect(String(result?.['message'])).not.toMatch(/onnxruntime|\.cc:|\.h:/);
    expect(code).toBe(3);
    expect(published(store)).toEqual([]);
  });

  it('does not follow a link for a model', async () => {
    const store = makeStore({ [`${RUN}/metrics.json`]: '{}', 'elsewhere/model.onnx': linearModel() });
    symlinkSync(join(store, 'elsewhere/model.onnx'), join(store, RUN, 'model.onnx'));
    const { code, result } = await runCommand('publish-model', publishRequest(store));
    expect(code).toBe(3);
    expect(result?.['reason']).toMatch(/ModelMissing|ModelInvalid/);
    expect(published(store)).toEqual([]);
  });
});

describe('verify-model', { timeout: 60_000 }, () => {
  it('refuses other bytes than those of the digest, a folder that is not there, and bytes that are no model', async () => {
    const { store, result } = await publish({ 'model.onnx': linearModel() });
    const digest = String(result?.['digest']);
    const dir = join(store, 'models', digest.replace(':', '-'));
    expect((await runCommand('verify-model', { dir, digest, format: 'Onnx' })).result).toMatchObject({
      ok: true,
      signature: { inputs: [{ name: 'x' }] },
    });
    const missing = await runCommand('verify-model', { dir: `${dir}0`, digest, format: 'Onnx' });
    expect({ code: missing.code, reason: missing.result?.['reason'] }).toEqual({ code: 3, reason: 'FileNotFound' });
    const bytes = readFileSync(join(dir, 'model.onnx'));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(join(dir, 'model.onnx'), bytes);
    const changed = await runCommand('verify-model', { dir, digest, format: 'Onnx' });
    expect(changed).toMatchObject({
      code: 3,
      result: { reason: 'DigestMismatch', message: expect.stringContaining(digest) },
    });
    const found = /sha256:[0-9a-f]{64}/g.exec(String(changed.result?.['message']).replaceAll(digest, ''))?.[0] ?? '';
    writeFileSync(join(dir, 'model.onnx'), bytes);
    const broken = await runCommand('verify-model', { dir, digest: found, format: 'Onnx' });
    expect([0, 3]).toContain(broken.code);
  });
});

it('verify-model only hashes a model of a format that other people open', { timeout: 60_000 }, async () => {
  const dir = join(makeStore({ 'models/trees/model.bst': 'tree' }), 'models', 'trees');
  const { digest, bytes } = await digestOf(dir);

  const verified = await runCommand('verify-model', { dir, digest, format: 'LightGBM' });
  expect(verified.result).toEqual({ ok: true, digest, bytes });
  const other = await runCommand('verify-model', { dir, digest: `sha256:${'0'.repeat(64)}`, format: 'LightGBM' });
  expect(other.result).toMatchObject({ reason: 'DigestMismatch' });
});

describe('fetch', { timeout: 60_000 }, () => {
  it('copies folders and files, checks what it copied, and can do so again', async () => {
    const { store, result } = await publish({ 'model.onnx': linearModel() });
    const digest = String(result?.['digest']);
    writeFileSync(join(store, 'schema.json'), '{}');
    const pod = makeStore();
    const request = {
      items: [
        { from: join(store, 'models', digest.replace(':', '-')), to: join(pod, 'models/flights/1'), digest },
        { from: join(store, 'schema.json'), to: join(pod, 'dataset') },
      ],
    };
    for (const _ of [1, 2]) expect((await runCommand('fetch', request)).result).toMatchObject({ ok: true, files: 2 });
    expect(readFileSync(join(pod, 'models/flights/1/model.onnx'))).toEqual(linearModel());
    expect(readFileSync(join(pod, 'dataset/schema.json'), 'utf8')).toBe('{}');
  });

  it('refuses bytes that are not those of the digest, and leaves none', async () => {
    const { store, result } = await publish({ 'model.onnx': linearModel() });
    const digest = String(result?.['digest']);
    const folder = join(store, 'models', digest.replace(':', '-'));
    writeFileSync(join(folder, 'model.onnx'), 'other');
    const pod = makeStore();
    const { code, result: refused } = await runCommand('fetch', {
      items: [{ from: folder, to: join(pod, 'm/1'), digest }],
    });
    expect({ code, reason: refused?.['reason'] }).toEqual({ code: 3, reason: 'DigestMismatch' });
    expect(existsSync(join(pod, 'm/1/model.onnx'))).toBe(false);
    const missing = await runCommand('fetch', { items: [{ from: join(store, 'nothing'), to: pod }] });
    expect(missing.result).toMatchObject({ reason: 'FileNotFound' });
  });

  it('says when a volume is full, and when it may not be written', () => {
    const failing = (code: string) => () => fail(Object.assign(new Error(code), { code }), 'models/x');
    expect(failing('ENOSPC')).toThrow(expect.objectContaining({ reason: 'StoreFull' }));
    expect(failing('EDQUOT')).toThrow(expect.objectContaining({ reason: 'StoreFull' }));
    expect(failing('EROFS')).toThrow(expect.objectContaining({ reason: 'StoreNotWritable' }));
    expect(failing('EIO')).toThrow(expect.objectContaining({ code: 'EIO' }));
  });
});
