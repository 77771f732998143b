import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scanRepository } from './repository.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'repository-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(...files: string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
}

describe('scanRepository', () => {
  it('finds versions in order, and model.onnx before others', () => {
    put('fare/10/model.onnx', 'fare/2/model.onnx', 'fare/2/other.onnx', 'fare/notes/x.txt');

    expect(scanRepository(root).map(({ version, path }) => [version, path.slice(root.length)])).toEqual([
      ['2', '/fare/2/model.onnx'],
      ['10', '/fare/10/model.onnx'],
    ]);
  });

  it('takes the only .onnx file, whatever its name', () => {
    put('fare/1/net.onnx', 'fare/1/net.onnx.data');

    expect(scanRepository(root)[0]?.path).toBe(join(root, 'fare/1/net.onnx'));
  });

  it.each([
    ['nothing', [], /holds no model; put one at .*1\/model\.onnx/],
    ['no version', ['fare/x/model.onnx'], /fare has no version folder; put its file at/],
    ['no model', ['fare/1/readme.txt'], /fare, version 1, has no file model\.onnx/],
    ['two models', ['fare/1/a.onnx', 'fare/1/b.onnx'], /has 2 \.onnx files; name one of them model\.onnx/],
    ['a name that no URL takes', ['a fare/1/model.onnx'], /"a fare" is no name for a model/],
  ])('says what is wrong with %s', (_, files, message) => {
    put(...files);

    expect(() => scanRepository(root)).toThrow(message);
  });

  it('refuses a link that leaves the repository', () => {
    put('fare/1/readme.txt');
    symlinkSync('/etc/hostname', join(root, 'fare/1/model.onnx'));

    expect(() => scanRepository(root)).toThrow(/is a link that leaves the repository/);
  });
});
