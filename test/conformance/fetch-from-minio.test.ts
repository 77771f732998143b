/** `fetch` against a real server of S3's protocol. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ACCESS_KEY, SECRET_KEY, startMinio } from './minio.ts';
import type { RunningMinio } from './minio.ts';

const BUILD_MS = 1_800_000;
const MAIN = resolve(import.meta.dirname, '..', '..', 'serving-runtime', 'src', 'fetch', 'main.ts');

let minio: RunningMinio | undefined;
let obstacle = '';
let client: S3Client;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-fetch-minio-'));
  try {
    minio = await startMinio();
  } catch (cause) {
    obstacle = `MinIO is not to be had: ${(cause as Error).message}`;
    return;
  }
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY };
  client = new S3Client({ endpoint: endpoint(), region: 'us-east-1', forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: 'models' }));
}, BUILD_MS);

afterAll(async () => {
  client?.destroy();
  await minio?.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach((test) => test.skip(minio === undefined, obstacle));

function endpoint(): string {
  return `http://127.0.0.1:${minio?.port}`;
}

function put(Key: string, Body: string | Uint8Array) {
  return client.send(new PutObjectCommand({ Bucket: 'models', Key, Body }));
}

async function fetchModel(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const credentials = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY };
  const nothingElse = { PATH: process.env['PATH'], HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' };
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...nothingElse, AWS_ENDPOINT_URL: endpoint(), ...credentials, ...env },
  });
  const lines = (await text(child.stdout)).trim().split('\n');
  return {
    messages: lines.slice(0, -1).map((line) => (JSON.parse(line) as { msg: string }).msg),
    result: JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>,
  };
}

/** Passes everything on, but cuts the answer of the first connection that brings more than 4 MiB, and then calls `meanwhile`. */
async function cuttingProxy(meanwhile: () => Promise<unknown>) {
  let cut = false;
  const server = createServer((socket) => {
    const upstream = connect(minio?.port ?? 0, '127.0.0.1');
    let bytes = 0;
    socket.pipe(upstream);
    upstream.on('data', (chunk) => {
      bytes += chunk.length;
      if (!cut && bytes > 4 * 1024 ** 2) {
        cut = true;
        void meanwhile().then(() => socket.destroy());
        upstream.destroy();
      } else if (!upstream.destroyed) socket.write(chunk);
    });
    for (const end of [socket, upstream]) end.on('error', () => {}).on('close', () => cut || socket.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` }, wasCut: () => cut, close: () => server.close() };
}

it('fetches a folder of more objects than fit into one page', async () => {
  const names = Array.from({ length: 1050 }, (_, index) => `part-${index} & ü`);
  for (let from = 0; from < names.length; from += 50) {
    await Promise.all(names.slice(from, from + 50).map((name) => put(`many/${name}`, name)));
  }
  await put('many-others/x', 'not asked for');
  const to = join(folder, 'many');

  const { result } = await fetchModel(['s3://models/many', to, '--concurrency', '16']);

  expect(result).toMatchObject({ ok: true, files: 1050 });
  expect(readdirSync(to).sort()).toEqual(names.sort());
  expect(readFileSync(join(to, 'part-7 & ü'), 'utf8')).toBe('part-7 & ü');
});

it('goes on where a connection was cut', async () => {
  const weights = Buffer.alloc(24 * 1024 ** 2, 'weights');
  await put('cut/model.onnx', weights);
  const proxy = await cuttingProxy(() => Promise.resolve());
  const to = join(folder, 'cut');

  const { result, messages } = await fetchModel(['s3://models/cut/model.onnx', to], proxy.env);

  proxy.close();
  expect(proxy.wasCut()).toBe(true);
  expect(messages).toContain('trying again');
  expect(messages).not.toContain('beginning again');
  expect(result).toMatchObject({ ok: true, files: 1, bytes: weights.length });
  expect(readFileSync(join(to, 'model.onnx')).equals(weights)).toBe(true);
});

it('begins again when the object was replaced meanwhile, and never mixes', async () => {
  const [old, replaced] = [Buffer.alloc(24 * 1024 ** 2, 'weights'), Buffer.alloc(24 * 1024 ** 2, 'others')];
  await put('changed/model.onnx', old);
  const proxy = await cuttingProxy(() => put('changed/model.onnx', replaced));
  const to = join(folder, 'changed');

  const { result, messages } = await fetchModel(['s3://models/changed', to], proxy.env);

  proxy.close();
  expect(messages).toContain('beginning again');
  expect(result).toMatchObject({ ok: true });
  expect(readFileSync(join(to, 'model.onnx')).equals(replaced)).toBe(true);
});

it('finds credentials in a file', async () => {
  await put('fare/model.onnx', 'weights');
  const file = join(folder, 'credentials');
  writeFileSync(file, `[default]\naws_access_key_id = ${ACCESS_KEY}\naws_secret_access_key = ${SECRET_KEY}\n`);
  const env = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SHARED_CREDENTIALS_FILE: file };

  expect((await fetchModel(['s3://models/fare', join(folder, 'file')], env)).result).toMatchObject({ ok: true });
});

it.each([
  ['a missing key', 's3://models/nothing', {}, 'FileNotFound', 'There is nothing at s3://models/nothing'],
  ['a missing bucket', 's3://nowhere/fare', {}, 'BucketNotFound', 'There is no bucket nowhere'],
  ['a bucket that cannot be', 's3://m/fare', {}, 'BucketNotFound', 'There is no bucket m'],
  ['a wrong secret', 's3://models/fare', { AWS_SECRET_ACCESS_KEY: 'wrong' }, 'AccessDenied', 'SignatureDoesNotMatch'],
  ['an unknown user', 's3://models/fare', { AWS_ACCESS_KEY_ID: 'nobody' }, 'AccessDenied', 'InvalidAccessKeyId'],
  [
    'no credentials',
    's3://models/fare',
    { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    'CredentialsMissing',
    'set AWS_ACCESS_KEY_ID',
  ],
])('says what to do about %s', async (...[, source, env, reason, words]) => {
  const { result } = await fetchModel([source, join(folder, 'none')], env);

  expect(result).toMatchObject({ ok: false, reason, message: expect.stringContaining(words) });
  expect(JSON.stringify(result)).not.toContain(SECRET_KEY);
});
