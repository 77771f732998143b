/** Models whose weights lie in other files, as a server loads them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { externalModel } from '../testing/onnx-model.ts';
import type { ExternalData, TensorPlace } from '../testing/onnx-model.ts';
import { ModelLoadError, startInstance } from './model-instance.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'external-'));
  put('other/1/weights.bin', WEIGHTS);
});
afterEach(() => rmSync(root, { recursive: true }));

const WEIGHTS = new Uint8Array(Float32Array.of(10, 1).buffer);

function put(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
}

const at = (location: string): ExternalData => [
  ['location', location],
  ['length', '8'],
];

/** What it says for x = [1, 2], or why it was not loaded. */
async function load(place: TensorPlace, external: ExternalData): Promise<unknown> {
  put('mine/1/model.onnx', externalModel(place, external));
  const path = join(root, 'mine/1/model.onnx');
  try {
    const settings = { path, isolation: 'thread', threads: 1, device: 'cpu', maxRunSeconds: 10 } as const;
    const instance = await startInstance(settings);
    const x = { name: 'x', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1, 2) } as const;
    const { outputs } = await instance.run([[x]], ['y']);
    instance.close();
    return Array.from(outputs[0]?.data as Float32Array);
  } catch (cause) {
    if (!(cause instanceof ModelLoadError)) throw cause;
    expect(cause.message).not.toContain(root);
    return cause.message;
  }
}

const PLACES: readonly TensorPlace[] = ['initializer', 'sparse', 'constant', 'subgraph', 'function', 'training'];
const NAMED = '(tensor "weights")';

describe('external data', () => {
  it('in the folder of the model, or below it, is read', async () => {
    put('mine/1/weights.bin', WEIGHTS);
    put('mine/1/parts/a.bin', WEIGHTS);

    expect(await load('initializer', at('weights.bin'))).toEqual([12]);
    expect(await load('initializer', at('parts/a.bin'))).toEqual([12]);
  });

  it.each(PLACES)('of another model is refused before ONNX Runtime opens it, as %s', async (place) => {
    const location = '../../other/1/weights.bin';

    expect(await load(place, at(location))).toBe(`its external data "${location}" ${NAMED} lies outside of its folder`);
  });

  it.each<[string, ExternalData, string]>([
    [
      'at an absolute path',
      at('/etc/hostname'),
      `its external data "/etc/hostname" ${NAMED} lies outside of its folder`,
    ],
    [
      'with NUL in its path',
      at('weights.bin\0'),
      String.raw`its external data "weights.bin\u0000" ${NAMED} lies outside of its folder`,
    ],
    [
      'with a path of Windows',
      at(String.raw`..\other`),
      String.raw`its external data "..\\other" ${NAMED} lies outside of its folder`,
    ],
    ['without a path', [['length', '8']], `its external data "" ${NAMED} lies outside of its folder`],
    ['that is not there', at('none.bin'), `its external data "none.bin" ${NAMED} is missing`],
    [
      'that is a folder',
      at('folder'),
      `its external data "folder" ${NAMED} is shorter than the model says, or no file`,
    ],
    ['that is a link', at('link.bin'), `its external data "link.bin" ${NAMED} is a link`],
    ['below a link', at('out/1/weights.bin'), `its external data "out/1/weights.bin" ${NAMED} is a link`],
    [
      'beyond its end',
      [...at('own.bin'), ['offset', '4']],
      `its external data "own.bin" ${NAMED} is shorter than the model says, or no file`,
    ],
    [
      'with an offset that wraps',
      [...at('own.bin'), ['offset', '18446744073709551612']],
      'the offset of the external data of its tensor "weights" is no number',
    ],
    [
      'with a negative offset',
      [...at('own.bin'), ['offset', '-4']],
      'the offset of the external data of its tensor "weights" is no number',
    ],
    [
      'at two places',
      [...at('own.bin'), ...at('../../other/1/weights.bin')],
      'the external data of its tensor "weights" has two values for "location"',
    ],
  ])('is refused %s', async (_, external, message) => {
    put('mine/1/own.bin', WEIGHTS);
    mkdirSync(join(root, 'mine/1/folder'));
    symlinkSync(join(root, 'other/1/weights.bin'), join(root, 'mine/1/link.bin'));
    symlinkSync(join(root, 'other'), join(root, 'mine/1/out'));

    expect(await load('initializer', external)).toBe(message);
  });
});
