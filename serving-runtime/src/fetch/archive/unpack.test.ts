/** Attacks on whoever unpacks an archive, one by one. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { filesIn, folders, LIMITS } from '../testing/fixture.ts';
import type { Folders } from '../testing/fixture.ts';
import { unpack } from './unpack.ts';

interface TarEntry {
  readonly path: string;
  readonly text?: string | Uint8Array;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO';
  readonly linkpath?: string;
  /** Claimed instead of the true one. */
  readonly size?: number;
}

function tarBlock({ path, text = '', type = 'File', linkpath = '', size }: TarEntry): Buffer {
  const bytes = Buffer.from(text as string);
  const block = Buffer.alloc(512);
  new Header({ path, type, linkpath, size: size ?? bytes.length, mode: 0o644, mtime: new Date(0) }).encode(block);
  return Buffer.concat([block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

function tar(...entries: TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarBlock), Buffer.alloc(1024)]);
}

interface ZipEntry {
  readonly path: string;
  readonly text?: string;
  readonly mode?: number;
}

/** yazl refuses unsafe names, so a safe name of the same length is exchanged afterwards. */
async function zip(...entries: ZipEntry[]): Promise<Buffer> {
  const file = new ZipFile();
  const standIns = entries.map(({ path }, index) => String(index).padEnd(path.length, 'x'));
  for (const [index, { text = '', mode = 0o100644 }] of entries.entries()) {
    file.addBuffer(Buffer.from(text), standIns[index] ?? '', { mode });
  }
  file.end();
  let bytes = (await buffer(file.outputStream)).toString('latin1');
  for (const [index, { path }] of entries.entries()) bytes = bytes.replaceAll(standIns[index] ?? '', path);
  return Buffer.from(bytes, 'latin1');
}

async function unpackInto(at: Folders, archive: Buffer, limits = LIMITS) {
  const path = join(at.root, 'archive');
  const tree = join(at.root, 'a', 'b', 'tree');
  mkdirSync(tree, { recursive: true });
  writeFileSync(path, archive);
  return unpack(path, tree, limits);
}

const GOOD = { 'model.onnx': 'weights', 'data/labels.txt': 'cat' };

it.each([
  [
    'tar',
    () =>
      tar(
        { path: './model.onnx', text: 'weights' },
        { path: 'data/', type: 'Directory' },
        { path: 'data/labels.txt', text: 'cat' },
      ),
  ],
  ['tar.gz', () => gzipSync(tar({ path: 'model.onnx', text: 'weights' }, { path: 'data/labels.txt', text: 'cat' }))],
  ['zip', () => zip({ path: 'model.onnx', text: 'weights' }, { path: 'data/labels.txt', text: 'cat' })],
])('unpacks %s', async (_format, archive) => {
  using at = folders();

  const records = await unpackInto(at, await archive());

  expect(filesIn(join(at.root, 'a', 'b', 'tree'))).toEqual(GOOD);
  expect(Object.fromEntries(records.map(({ path, size }) => [path, size]))).toEqual({
    'data/labels.txt': 3,
    'model.onnx': 7,
  });
});

const UNSAFE = [
  '../escaped',
  '../../escaped',
  'data/../../escaped',
  '/escaped',
  'a//b',
  'a/./b',
  '..\\escaped',
  'c\\d',
  'a\u0001b',
];

it.each(
  UNSAFE.flatMap((path) => [
    ['tar', path],
    ['zip', path],
  ]),
)('%s: refuses the path %j', async (format, path) => {
  using at = folders();
  const archive = format === 'tar' ? tar({ path, text: 'evil' }) : await zip({ path, text: 'evil' });

  await expect(unpackInto(at, archive)).rejects.toMatchObject({ reason: 'PathUnsafe' });

  expect(Object.keys(filesIn(at.root))).toEqual(['archive']);
  expect(existsSync('/escaped')).toBe(false);
});

it.each([
  ['a symbolic link', { path: 'link', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
  ['a symbolic link within', { path: 'link', type: 'SymbolicLink', linkpath: 'model.onnx' }],
  ['a hard link', { path: 'link', type: 'Link', linkpath: '../../../archive' }],
] as const)('tar: refuses %s', async (_what, entry) => {
  using at = folders();

  await expect(unpackInto(at, tar({ path: 'model.onnx' }, entry))).rejects.toMatchObject({ reason: 'LinkRefused' });
  expect(readdirSync(join(at.root, 'a', 'b', 'tree'))).toEqual(['model.onnx']);
});

it('tar: writes nothing through a link that came before', async () => {
  using at = folders();
  const archive = tar(
    { path: 'data', type: 'SymbolicLink', linkpath: '../..' },
    { path: 'data/escaped', text: 'evil' },
  );

  await expect(unpackInto(at, archive)).rejects.toMatchObject({ reason: 'LinkRefused' });
  expect(existsSync(join(at.root, 'a', 'escaped'))).toBe(false);
});

it('zip: refuses a symbolic link', async () => {
  using at = folders();
  const archive = await zip({ path: 'link', text: '/etc/passwd', mode: 0o120777 });

  await expect(unpackInto(at, archive)).rejects.toMatchObject({ reason: 'LinkRefused' });
});

it.each(['CharacterDevice', 'FIFO'] as const)('tar: refuses a %s', async (type) => {
  using at = folders();

  await expect(unpackInto(at, tar({ path: 'odd', type }))).rejects.toMatchObject({ reason: 'ArchiveInvalid' });
});

it.each(['tar', 'zip'])('%s: refuses two files at one path, and a file where a folder is', async (format) => {
  const make = (...paths: string[]) => {
    const entries = paths.map((path) => ({ path, text: 'x' }));
    return format === 'tar' ? Promise.resolve(tar(...entries)) : zip(...entries);
  };
  for (const paths of [
    ['same', 'same'],
    ['data', 'data/labels'],
    ['data/labels', 'data'],
  ]) {
    using at = folders();
    await expect(unpackInto(at, await make(...paths))).rejects.toMatchObject({ reason: 'PathUnsafe' });
  }
});

const ZEROS = '\0'.repeat(20 * 1024 * 1024);

it.each([
  ['tar.gz', () => gzipSync(tar({ path: 'model.onnx', text: ZEROS }))],
  ['zip', () => zip({ path: 'model.onnx', text: ZEROS })],
  [
    'tar.gz with nothing but the space after its end',
    () => gzipSync(Buffer.concat([tar({ path: 'a', text: 'b' }), Buffer.from(ZEROS)])),
  ],
])('refuses a bomb: %s', async (_format, archive) => {
  using at = folders();

  await expect(unpackInto(at, await archive())).rejects.toMatchObject({ reason: 'ArchiveBomb' });
});

it.each(['tar', 'zip'])('%s: holds the limits for bytes and files', async (format) => {
  using at = folders();
  const entries = ['a', 'b', 'c'].map((path) => ({ path, text: 'x'.repeat(100) }));
  const archive = format === 'tar' ? tar(...entries) : await zip(...entries);

  await expect(unpackInto(at, archive, { ...LIMITS, maxBytes: 250 })).rejects.toMatchObject({ reason: 'TooLarge' });
  using other = folders();
  await expect(unpackInto(other, archive, { ...LIMITS, maxFiles: 2 })).rejects.toMatchObject({
    reason: 'TooManyFiles',
  });
});

it('zip: does not believe a size that is claimed', async () => {
  using at = folders();
  const archive = await zip({ path: 'model.onnx', text: 'weights'.repeat(1000) });
  const directory = archive.indexOf('PK\u0001\u0002', 0, 'latin1');
  archive.writeUInt32LE(7, directory + 24);

  await expect(unpackInto(at, archive)).rejects.toMatchObject({ reason: 'ArchiveInvalid' });
});

it.each([
  ['a tar that ends early', () => tar({ path: 'model.onnx', text: 'weights', size: 5000 }).subarray(0, 1024)],
  ['a tar with a broken header', () => Buffer.concat([tarBlock({ path: 'a', text: 'x' }), Buffer.alloc(512, 7)])],
  ['a gzip that ends early', () => gzipSync(tar({ path: 'a', text: ZEROS.slice(0, 5000) })).subarray(0, 60)],
  ['a zip that ends early', async () => (await zip({ path: 'a', text: 'x' })).subarray(0, 40)],
  ['no archive at all', () => Buffer.from('just words'.repeat(100))],
  ['an archive without files', () => tar({ path: 'data/', type: 'Directory' })],
  ['a zip without files', () => zip()],
])('refuses %s', async (_what, archive) => {
  using at = folders();

  await expect(unpackInto(at, await archive())).rejects.toMatchObject({ reason: 'ArchiveInvalid' });
});
