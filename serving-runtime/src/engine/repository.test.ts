import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelNames, scanModel } from './repository.ts';

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

describe('scanModel', () => {
  it('finds versions in order, and model.onnx before others', () => {
    put('fare/10/model.onnx', 'fare/2/model.onnx', 'fare/2/other.onnx', 'fare/notes/x.txt');

    expect(scanModel(root, 'fare').map(({ version, path }) => [version, path.slice(root.length)])).toEqual([
      ['2', '/fare/2/model.onnx'],
      ['10', '/fare/10/model.onnx'],
    ]);
  });

  it('takes the only .onnx file, whatever its name', () => {
    put('fare/1/net.onnx', 'fare/1/net.onnx.data');

    expect(scanModel(root, 'fare')[0]?.path).toBe(join(root, 'fare/1/net.onnx'));
  });

  it('counts all bytes of a version, external data too', () => {
    put('fare/1/model.onnx');
    writeFileSync(join(root, 'fare/1/weights.bin'), Buffer.alloc(10));

    expect(scanModel(root, 'fare')[0]?.bytes).toBe(10);
  });

  it.each([
    ['no folder', [], 'fare', /has no folder of this name/],
    ['no version', ['fare/x/model.onnx'], 'fare', /no version folder; put its file at fare\/1\/model\.onnx/],
    ['no model', ['fare/1/readme.txt'], 'fare', /its version 1 has no file model\.onnx/],
    ['two models', ['fare/1/a.onnx', 'fare/1/b.onnx'], 'fare', /has 2 \.onnx files; name one of them model\.onnx/],
    ['a name that no URL takes', ['a fare/1/model.onnx'], 'a fare', /"a fare" is no name for a model/],
    ['a name that climbs', ['fare/1/model.onnx'], '../fare', /is no name for a model/],
    ['a name that climbs within', ['fare/1/model.onnx'], 'a/../fare', /is no name for a model/],
    ['an absolute name', ['fare/1/model.onnx'], '/etc/passwd', /is no name for a model/],
    ['a name with a slash behind it', ['fare/1/model.onnx'], 'fare/', /is no name for a model/],
    ['three dots', ['.../1/model.onnx'], '...', /is no name for a model/],
    ['two dots in a name', ['fare..1/1/model.onnx'], 'fare..1', /is no name for a model/],
    ['NUL in a name', [], 'fare\0', /is no name for a model/],
    ['a new line behind a name', ['fare/1/model.onnx'], 'fare\n', /is no name for a model/],
    ['a blank name', [], ' ', /is no name for a model/],
    ['no name', [], '', /is no name for a model/],
    ['a letter that looks like another', [], 'fаre', /is no name for a model/],
    ['a wide dot', [], '．．', /is no name for a model/],
    ['a name that is too long', [], 'f'.repeat(129), /is no name for a model/],
  ])('says what is wrong with %s', (_, files, name, message) => {
    put(...files);

    expect(() => scanModel(root, name)).toThrow(message);
  });

  it('says no path of the machine when a link leads nowhere', () => {
    put('fare/1/readme.txt');
    symlinkSync('/nowhere/secret', join(root, 'fare/1/model.onnx'));

    expect(() => scanModel(root, 'fare')).toThrow(
      'something in its folder cannot be read (ENOENT); is there a link that leads nowhere?',
    );
  });

  it('refuses a link that leaves the repository', () => {
    put('fare/1/readme.txt');
    symlinkSync('/etc/hostname', join(root, 'fare/1/model.onnx'));

    expect(() => scanModel(root, 'fare')).toThrow(/is a link that leaves the repository/);
  });
});

describe('modelNames', () => {
  it('lists folders, but not those that mounts of Kubernetes hide', () => {
    put('b/1/model.onnx', 'a/1/model.onnx', '..data/1/model.onnx', 'README');

    expect(modelNames(root)).toEqual(['a', 'b']);
  });

  it('tells an empty repository from one that is not there', () => {
    expect(() => modelNames(root)).toThrow(/is empty: put a model at <model>\/1\/model\.onnx/);
    expect(() => modelNames(join(root, 'none'))).toThrow(/is not there: give --model-repository/);
  });
});
