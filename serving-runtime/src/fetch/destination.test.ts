/** A mounted volume cannot be renamed onto; a folder stands for it here, since a test may not mount. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { contents, publish, recover } from './destination.ts';
import { filesIn, folders } from './testing/fixture.ts';
import type { Folders } from './testing/fixture.ts';

function mountedAt({ root }: Folders) {
  const destination = join(root, 'models');
  const folder = join(destination, '.fetch');
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'data'), { recursive: true });
  writeFileSync(join(tree, 'model.onnx'), 'new');
  writeFileSync(join(tree, 'data', 'labels'), 'new');
  writeFileSync(join(destination, 'model.onnx'), 'old');
  writeFileSync(join(destination, 'gone'), 'old');
  return { place: { destination, folder, isMount: true }, tree };
}

const NEW = { 'model.onnx': 'new', 'data/labels': 'new' };

it('exchanges what is in a mounted volume', async () => {
  using at = folders();
  const { place, tree } = mountedAt(at);
  expect((await contents(place.destination)).sort()).toEqual(['gone', 'model.onnx']);

  await publish(tree, place);

  expect(filesIn(place.destination)).toEqual(NEW);
});

it.each([
  ['before anything was moved', () => {}],
  [
    'while the old files went aside',
    (folder: string) => renameSync(join(folder, '..', 'gone'), join(folder, 'old', 'gone')),
  ],
  [
    'while the new files came',
    (folder: string) => {
      for (const name of ['gone', 'model.onnx']) renameSync(join(folder, '..', name), join(folder, 'old', name));
      renameSync(join(folder, 'verified'), join(folder, 'moving'));
      renameSync(join(folder, 'moving', 'model.onnx'), join(folder, '..', 'model.onnx'));
    },
  ],
])('ends what was killed %s', async (_when, reach) => {
  using at = folders();
  const { place, tree } = mountedAt(at);
  renameSync(tree, join(place.folder, 'verified'));
  mkdirSync(join(place.folder, 'old'));
  reach(place.folder);

  await recover(place);

  expect(filesIn(place.destination)).toEqual(NEW);
  expect(existsSync(place.folder)).toBe(false);
});

it('puts back the old folder when it was killed before the new one came', async () => {
  using at = folders();
  const folder = join(at.root, '.model.fetch');
  const destination = join(at.root, 'model');
  mkdirSync(join(folder, 'old'), { recursive: true });
  writeFileSync(join(folder, 'old', 'model.onnx'), 'old');

  await recover({ destination, folder, isMount: false });

  expect(filesIn(destination)).toEqual({ 'model.onnx': 'old' });
});
