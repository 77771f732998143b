/** Against a fake of the JSON API of Google Cloud Storage, since the real one is not to be had in a test. */
import { expect, it } from 'vitest';
import { fetchModel } from './fetch-model.ts';
import { gcsSource } from './sources/gcs.ts';
import { fakeGcs } from './testing/fake-gcs.ts';
import { context, filesIn, folders, request, TIMEOUT_MS } from './testing/fixture.ts';
import type { TestServer } from './testing/fixture.ts';

function source({ url }: TestServer, key: string, bucket = 'models') {
  return gcsSource(bucket, key, { timeoutMs: TIMEOUT_MS, env: { STORAGE_EMULATOR_HOST: url } });
}

const OBJECTS = {
  'fare/1/model.onnx': 'weights',
  'fare/1/data/labels & ümlauts.txt': 'cat',
  'fare/1/data/': '',
  'fare/1/model.onnx.data': 'more weights',
  'fare/10/model.onnx': 'of another version',
};

it('fetches all below a prefix, page by page, and not what only begins alike', async () => {
  const { server } = await fakeGcs(OBJECTS);
  await using _ = server;
  using at = folders();

  await fetchModel(request(await source(server, 'fare/1'), at.destination), context());

  expect(filesIn(at.destination)).toEqual({
    'model.onnx': 'weights',
    'data/labels & ümlauts.txt': 'cat',
    'model.onnx.data': 'more weights',
  });
});

it('fetches one object', async () => {
  const { server } = await fakeGcs(OBJECTS);
  await using _ = server;
  using at = folders();

  await fetchModel(request(await source(server, 'fare/1/model.onnx'), at.destination), context());

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': 'weights' });
});

it('goes on where a connection was cut', async () => {
  let cuts = 0;
  const text = 'weights '.repeat(50_000);
  const { server } = await fakeGcs({ 'fare/1/model.onnx': text }, (_name, to) => {
    if (cuts++ > 0) return false;
    to.writeHead(200, { 'content-length': text.length });
    to.write(text.slice(0, text.length / 2), () => setImmediate(() => to.destroy()));
    return true;
  });
  await using _ = server;
  using at = folders();

  await fetchModel(request(await source(server, 'fare/1/model.onnx'), at.destination), context());

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': text });
  expect(server.asked.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
});

it('begins again with a new list when an object was replaced in the meantime', async () => {
  const { server, stored } = await fakeGcs(OBJECTS, (name, to) => {
    if (stored.get(name)?.generation !== '1') return false;
    stored.set(name, { text: 'replaced', generation: '2' });
    to.writeHead(200, { 'content-length': 7 });
    to.write('wei', () => setImmediate(() => to.destroy()));
    return true;
  });
  await using _ = server;
  using at = folders();
  const watched = context();

  await fetchModel(request(await source(server, 'fare/1/model.onnx'), at.destination), watched);

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': 'replaced' });
  expect(watched.messages).toContain('beginning again');
});

it('begins anew when the object was replaced between two runs', async () => {
  const text = 'weights '.repeat(50_000);
  const { server, stored } = await fakeGcs({ 'fare/1/model.onnx': text }, (name, to) => {
    if (stored.get(name)?.generation !== '1') return false;
    to.writeHead(200, { 'content-length': text.length });
    to.write(text.slice(0, text.length / 2), () => setImmediate(() => to.destroy()));
    return true;
  });
  await using _ = server;
  using at = folders();
  const run = async () =>
    fetchModel(request(await source(server, 'fare/1/model.onnx'), at.destination, { retries: 0 }), context());
  await expect(run()).rejects.toMatchObject({ reason: 'SourceUnreachable' });
  stored.set('fare/1/model.onnx', { text: 'others '.repeat(70_000), generation: '2' });

  await run();

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': 'others '.repeat(70_000) });
});

it('says which of object and bucket is missing, and refuses names that lead out', async () => {
  const { server } = await fakeGcs({ ...OBJECTS, 'evil/../../escaped': 'x' });
  await using _ = server;
  using at = folders();
  const failure = async (key: string, bucket?: string) =>
    fetchModel(request(await source(server, key, bucket), at.destination), context()).catch((cause: unknown) => cause);

  expect(await failure('nothing')).toMatchObject({ reason: 'FileNotFound' });
  expect(await failure('fare', 'none')).toMatchObject({ reason: 'BucketNotFound' });
  expect(await failure('evil')).toMatchObject({ reason: 'PathUnsafe' });
});
