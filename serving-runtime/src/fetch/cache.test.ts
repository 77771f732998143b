import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fetchModel } from './fetch-model.ts';
import type { CacheOptions } from './fetch-model.ts';
import { context, digestOfFiles, filesIn, folders, request, sendFile, serve, webSource } from './testing/fixture.ts';
import type { Folders } from './testing/fixture.ts';

const MODEL = { text: 'weights', etag: '"one"' };
const DIGEST = digestOfFiles({ 'model.onnx': MODEL.text });

function cacheIn({ root }: Folders, maxBytes = Number.MAX_SAFE_INTEGER): CacheOptions {
  return { folder: join(root, 'cache'), maxBytes, key: 'the-same-source' };
}

function cachedFile({ root }: Folders, digest = DIGEST): string {
  return join(root, 'cache', ...digest.split(':'), 'files', 'model.onnx');
}

function writeKeepingTime(file: string, text: string): void {
  execFileSync('touch', ['-r', file, `${file}.time`]);
  writeFileSync(file, text);
  execFileSync('touch', ['-r', `${file}.time`, file]);
}

it('fetches once what is asked for again by digest, as a file of its own', async () => {
  await using server = await serve((ask, to) => sendFile(MODEL, ask, to));
  using at = folders();
  const fetchTo = (destination: string) => {
    const source = webSource(`${server.url}/model.onnx`);
    return fetchModel(request(source, destination, { digest: DIGEST, cache: cacheIn(at) }), context());
  };

  expect(await fetchTo(join(at.root, 'one'))).toMatchObject({ from: 'source', digest: DIGEST });
  expect(await fetchTo(join(at.root, 'two'))).toMatchObject({ from: 'cache', digest: DIGEST });

  expect(server.asked.length).toBe(1);
  writeFileSync(join(at.root, 'one', 'model.onnx'), 'changed by a user');
  expect(readFileSync(cachedFile(at), 'utf8')).toBe('weights');
  expect(filesIn(join(at.root, 'two'))).toEqual({ 'model.onnx': 'weights' });
  expect(readdirSync(join(at.root, 'cache', 'work'))).toEqual([]);
});

it('lets many that begin at once fetch once', async () => {
  await using server = await serve((ask, to) => sendFile(MODEL, ask, to));
  using at = folders();

  const all = Array.from({ length: 8 }, (_, index) => {
    const source = webSource(`${server.url}/model.onnx`);
    const wanted = request(source, join(at.root, `pod-${index}`), { digest: DIGEST, cache: cacheIn(at) });
    return fetchModel(wanted, context());
  });
  const from = (await Promise.all(all)).map((fetched) => fetched.from);

  expect(from.filter((origin) => origin === 'source').length).toBe(1);
  expect(server.asked.length).toBe(1);
  for (let index = 0; index < 8; index++) {
    expect(filesIn(join(at.root, `pod-${index}`))).toEqual({ 'model.onnx': 'weights' });
  }
});

it.each([
  ['of another size, whatever its time', (file: string) => writeKeepingTime(file, 'weights and more')],
  ['of the same size and another time', (file: string) => writeFileSync(file, 'WEIGHTS')],
  ['gone', (file: string) => rmSync(file)],
])('fetches again when a cached file is %s', async (_what, harm) => {
  await using server = await serve((ask, to) => sendFile(MODEL, ask, to));
  using at = folders();
  const fetchTo = (name: string) => {
    const source = webSource(`${server.url}/model.onnx`);
    return fetchModel(request(source, join(at.root, name), { digest: DIGEST, cache: cacheIn(at) }), context());
  };
  await fetchTo('one');
  harm(cachedFile(at));

  expect(await fetchTo('two')).toMatchObject({ from: 'source' });
  expect(filesIn(join(at.root, 'two'))).toEqual({ 'model.onnx': 'weights' });
});

it('keeps an entry whose files have another time and the same bytes, as after a restore', async () => {
  await using server = await serve((ask, to) => sendFile(MODEL, ask, to));
  using at = folders();
  const fetchTo = (name: string) => {
    const source = webSource(`${server.url}/model.onnx`);
    return fetchModel(request(source, join(at.root, name), { digest: DIGEST, cache: cacheIn(at) }), context());
  };
  await fetchTo('one');
  utimesSync(cachedFile(at), 1, 1);

  expect(await fetchTo('two')).toMatchObject({ from: 'cache' });
});

it('makes room by what was used longest ago, and never by what was just fetched', async () => {
  using at = folders();
  const digests: string[] = [];
  for (const text of ['first', 'second', 'third']) {
    await using server = await serve((ask, to) => sendFile({ text }, ask, to));
    const wanted = request(webSource(`${server.url}/model.onnx`), join(at.root, text), { cache: cacheIn(at, 11) });
    const { digest } = await fetchModel(wanted, context());
    digests.push(digest);
    utimesSync(join(at.root, 'cache', ...digest.split(':')), digests.length, digests.length);
  }

  expect(digests.map((digest) => existsSync(cachedFile(at, digest)))).toEqual([false, true, true]);
  await using server = await serve((ask, to) => sendFile({ text: 'larger than all' }, ask, to));
  const wanted = request(webSource(`${server.url}/model.onnx`), join(at.root, 'fourth'), { cache: cacheIn(at, 11) });
  const { digest } = await fetchModel(wanted, context());
  expect([...digests, digest].map((entry) => existsSync(cachedFile(at, entry)))).toEqual([false, false, false, true]);
});
