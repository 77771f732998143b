import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { parseSource } from './source-url.ts';

it.each([
  ['s3://models/fare/1', { scheme: 's3', bucket: 'models', key: 'fare/1' }],
  ['s3://models', { scheme: 's3', bucket: 'models', key: '' }],
  ['gs://models/fare/1/', { scheme: 'gs', bucket: 'models', key: 'fare/1/' }],
  ['pvc://models/fare/1/', { scheme: 'local', path: '/mnt/pvc/models/fare/1' }],
  ['file:///models/fare', { scheme: 'local', path: '/models/fare' }],
  ['/mnt/pvc/fare', { scheme: 'local', path: '/mnt/pvc/fare' }],
])('reads %s', (given, source) => {
  expect(parseSource(given, '/mnt/pvc')).toEqual(source);
});

it.each([
  'models/fare',
  'ftp://host/fare',
  's3:///fare',
  'file://host/fare',
  'file:///models/../etc',
  'pvc://../etc',
  'pvc://models/../../etc',
  'https://user:secret@host/fare',
  'https://:0:secret/',
])('refuses %s, and does not repeat it', (given) => {
  expect(() => parseSource(given, '/mnt/pvc')).toThrow(/^The source cannot be fetched: (?!.*secret)/);
});

it('takes http:// only for bytes that are verified, and without credentials', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'slipway-fetch-')), 'token');
  writeFileSync(file, 'secret\n');
  const args = ['http://host/fare.onnx', '/models/fare/1'];
  const verified = [...args, '--sha256', 'a'.repeat(64)];

  expect(() => readConfig(args)).toThrow('--sha256');
  expect(() => readConfig([...verified, '--bearer-file', file])).toThrow('no credentials');
  expect(readConfig(verified)).toMatchObject({ destination: '/models/fare/1' });
});

it('reads credentials from files', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'slipway-fetch-')), 'token');
  writeFileSync(file, 'user:secret\n');
  const args = ['https://host/fare.onnx', '/models/fare/1'];

  expect(readConfig([...args, '--bearer-file', file])).toMatchObject({ authorization: 'Bearer user:secret' });
  expect(readConfig([...args, '--basic-file', file])).toMatchObject({ authorization: 'Basic dXNlcjpzZWNyZXQ=' });
  expect(() => readConfig([...args, '--basic-file', '/nowhere'])).toThrow('/nowhere cannot be read (ENOENT)');
});

it.each([
  [['s3://models']],
  [['s3://models', '/a', '/b']],
  [['s3://models', '/a', '--max-bytes', '-1']],
  [['s3://models', '/a', '--max-files', '1.5']],
  [['s3://models', '/a', '--concurrency', '0']],
  [['s3://models', '/a', '--digest', 'abc']],
  [['s3://models', '/a', '--unpack', 'maybe']],
  [['s3://models', '/a', '--unknown']],
])('refuses the arguments %j', (args) => {
  expect(() => readConfig(args)).toThrow();
});
