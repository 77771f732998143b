/** From a volume that is mounted. */
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fetchModel } from './fetch-model.ts';
import { localSource } from './sources/local.ts';
import { context, digestOfFiles, filesIn, folders, LIMITS, request } from './testing/fixture.ts';
import type { Folders } from './testing/fixture.ts';

function volume({ root }: Folders): string {
  const path = join(root, 'volume');
  mkdirSync(join(path, 'data'), { recursive: true });
  writeFileSync(join(path, 'model.onnx'), 'weights');
  writeFileSync(join(path, 'data', 'labels'), '');
  return path;
}

it('copies a folder, with the digest that the batch runtime gives it', async () => {
  using at = folders();
  const digest = digestOfFiles({ 'model.onnx': 'weights', 'data/labels': '' });

  await fetchModel(request(localSource(volume(at)), at.destination, { digest }), context());

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': 'weights', 'data/labels': '' });
});

it('copies one file', async () => {
  using at = folders();

  await fetchModel(request(localSource(join(volume(at), 'model.onnx')), at.destination), context());

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': 'weights' });
});

it('follows no links', async () => {
  using at = folders();
  const path = volume(at);
  writeFileSync(join(at.root, 'secret'), 'of another');
  symlinkSync(join(at.root, 'secret'), join(path, 'link'));
  symlinkSync(at.root, join(path, 'folder-link'));
  linkSync(join(path, 'model.onnx'), join(path, 'same.onnx'));

  await fetchModel(request(localSource(path), at.destination), context());

  expect(Object.keys(filesIn(at.destination))).toEqual(['data/labels', 'model.onnx', 'same.onnx']);
  const named = fetchModel(request(localSource(join(path, 'link')), join(at.root, 'other')), context());
  await expect(named).rejects.toMatchObject({ reason: 'LinkRefused', message: expect.stringContaining('is a link') });
});

it('reads through no folder that became a link after it was listed', async () => {
  using at = folders();
  const path = volume(at);
  mkdirSync(join(at.root, 'elsewhere'));
  writeFileSync(join(at.root, 'elsewhere', 'labels'), 'of another');
  symlinkSync(join(at.root, 'elsewhere'), join(path, 'swapped'));
  const source = localSource(path);
  const file = { id: 'swapped/labels', name: 'swapped/labels' };

  const opening = source.open(file, { offset: 0, version: undefined }, new AbortController().signal);
  await expect(opening).rejects.toMatchObject({ reason: 'LinkRefused' });
});

it('says that there is nothing', async () => {
  using at = folders();
  mkdirSync(join(at.root, 'empty'));

  for (const name of ['empty', 'missing']) {
    const fetching = fetchModel(request(localSource(join(at.root, name)), at.destination), context());
    await expect(fetching).rejects.toMatchObject({ reason: 'FileNotFound' });
  }
});

it('takes no more files and bytes than the limits', async () => {
  using at = folders();
  const fetching = (limits: object) =>
    fetchModel(request(localSource(volume(at)), at.destination, { limits: { ...LIMITS, ...limits } }), context());

  await expect(fetching({ maxFiles: 1 })).rejects.toMatchObject({ reason: 'TooManyFiles' });
  await expect(fetching({ maxBytes: 6 })).rejects.toMatchObject({ reason: 'TooLarge' });
});
