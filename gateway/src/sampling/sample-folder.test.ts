/** Files of samples on a real disk: when one ends and the next begins, which go, and what a dead gateway leaves. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSampleDisk } from './sample-disk.ts';
import { createSampleFolder } from './sample-folder.ts';
import type { FolderLimits, SampleFolder } from './sample-folder.ts';
import { folderOf, ownerOf } from './sample-name.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LIMITS: FolderLimits = {
  maxBytes: 1024 * 1024,
  maxFileBytes: 8192,
  maxAgeMs: 15 * MINUTE_MS,
  retentionMs: 24 * HOUR_MS,
};
const A_LINE = `${'x'.repeat(4095)}\n`;

let root: string;
let time: number;
let removed: string[];
let bytes: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-samples-'));
  time = Date.now();
  removed = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function aFolder(incarnation: string, limits: Partial<FolderLimits> = {}, owner = 'gateway-a'): SampleFolder {
  return createSampleFolder({
    disk: createSampleDisk(root),
    writer: { owner, incarnation },
    limits: { ...LIMITS, ...limits },
    metrics: { removed: (why) => removed.push(why), bytes: (all) => (bytes = all) },
    now: () => time,
    wallClock: () => time,
  });
}

const filesOf = (service = 'team-a/flights') => readdirSync(join(root, service)).sort();
const linesOf = (name: string, service = 'team-a/flights') => readFileSync(join(root, service, name), 'utf8');
const hourOf = (at: number) => new Date(at).toISOString().slice(0, 13);

describe('a file', () => {
  it('is open while lines come, and then has its last name', async () => {
    const folder = aFolder('0000000a');
    await folder.append('team-a/flights', '1\n');
    await folder.append('team-a/flights', '2\n');
    const name = `${hourOf(time)}-gateway-a-0000000a-1.jsonl`;
    expect(filesOf()).toEqual([`${name}.open`]);
    expect(statSync(join(root, 'team-a/flights', `${name}.open`)).mode & 0o777).toBe(0o640);

    await folder.close();
    expect(filesOf()).toEqual([name]);
    expect(linesOf(name)).toBe('1\n2\n');
  });

  it('ends at its size, and at its age', async () => {
    const folder = aFolder('0000000a');
    for (let count = 0; count < 3; count += 1) await folder.append('team-a/flights', A_LINE);
    expect(filesOf().map((name) => name.endsWith('.open'))).toEqual([false, true]);

    await folder.tidy();
    expect(filesOf().at(-1)).toMatch(/\.open$/);
    time += LIMITS.maxAgeMs;
    await folder.tidy();
    expect(filesOf().map((name) => name.endsWith('.open'))).toEqual([false, false]);
  });

  it('goes when it is too old, and the folder of its service with the last', async () => {
    const folder = aFolder('0000000a');
    await folder.append('team-a/flights', A_LINE);
    await folder.close();
    time += LIMITS.retentionMs - 1;
    await folder.tidy();
    expect(filesOf()).toHaveLength(1);

    time += 1;
    await folder.tidy();
    expect(removed).toEqual(['age']);
    expect(readdirSync(join(root, 'team-a'))).toEqual([]);
    await folder.append('team-a/flights', A_LINE);
    expect(filesOf()).toHaveLength(1);
  });
});

describe('the room', () => {
  it('is bounded: the oldest goes first, of whichever service, and open files count', async () => {
    const folder = aFolder('0000000a', { maxBytes: 3 * 8192 });
    await folder.append('team-a/old', A_LINE + A_LINE);
    for (let count = 0; count < 9; count += 1) {
      time += 1;
      expect(await folder.append('team-a/flights', A_LINE)).toBe(true);
      const all = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const sizes = all.map((entry) => statSync(join(entry.parentPath, entry.name)).size);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      expect(total).toBeLessThanOrEqual(3 * 8192);
      expect(bytes).toBe(total);
    }
    // Not the one that is open, while others are finished.
    expect(readdirSync(join(root, 'team-a'))).toEqual(['flights', 'old']);
    expect(removed).toEqual(['space', 'space', 'space']);
  });

  it('is refused where nothing more can go', async () => {
    const folder = aFolder('0000000a', { maxBytes: 8192 });
    expect(await folder.append('team-a/flights', A_LINE.repeat(3))).toBe(false);
    expect(await folder.append('team-a/flights', A_LINE)).toBe(true);
  });

  it('counts what was there before, and takes the oldest of that', async () => {
    const before = aFolder('0000000a');
    for (let count = 0; count < 4; count += 1) await before.append('team-a/flights', A_LINE);
    await before.close();
    const first = filesOf()[0];
    writeFileSync(join(root, 'team-a/flights/notes.txt'), A_LINE.repeat(100));

    const folder = aFolder('0000000b', { maxBytes: 4 * 4096 });
    await folder.look();
    await folder.append('team-a/flights', A_LINE);
    expect(removed).toEqual(['space']);
    expect(filesOf()).not.toContain(first);
    expect(filesOf()).toContain('notes.txt');
  });
});

describe('what a gateway leaves that was killed', () => {
  async function killedWithin(line: string): Promise<string> {
    const dead = aFolder('0000000a');
    await dead.append('team-a/flights', '{"whole":1}\n');
    const [open = ''] = filesOf();
    appendFileSync(join(root, 'team-a/flights', open), line);
    return open.replace('.open', '');
  }

  it('is finished by the next at its place, without the line that was not whole', async () => {
    const name = await killedWithin('{"torn":');
    await aFolder('0000000b').look();
    expect(filesOf()).toEqual([name]);
    expect(linesOf(name)).toBe('{"whole":1}\n');
  });

  it('is finished, too, where the torn line is long', async () => {
    const name = await killedWithin('x'.repeat(300_000));
    await aFolder('0000000b').look();
    expect(linesOf(name)).toBe('{"whole":1}\n');
  });

  it('is finished by any other only after no living one would have left it open', async () => {
    await killedWithin('');
    const other = aFolder('0000000b', {}, 'gateway-b');
    await other.look();
    time += LIMITS.maxAgeMs + 299_000;
    await other.look();
    expect(filesOf()[0]).toMatch(/\.open$/);
    expect(bytes).toBe(4096);

    time += 2000;
    await other.look();
    expect(filesOf()[0]).toMatch(/\.jsonl$/);
  });

  it('may be finished while its writer lives after all: it goes on, and loses no line', async () => {
    const slow = aFolder('0000000a');
    await slow.append('team-a/flights', '1\n');
    await aFolder('0000000b').look();
    await slow.append('team-a/flights', '2\n');
    await slow.close();
    expect(filesOf().map((name) => linesOf(name))).toEqual(['1\n', '2\n']);
  });
});

describe('a disk that refuses', () => {
  it('leaves no half line before a whole one', async () => {
    const disk = createSampleDisk(root);
    const folder = createSampleFolder({
      disk: {
        ...disk,
        append: async (path, text) => {
          await disk.append(path, text.slice(0, 3));
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        },
      },
      writer: { owner: 'gateway-a', incarnation: '0000000a' },
      limits: LIMITS,
      metrics: { removed: (why) => removed.push(why), bytes: () => {} },
      now: () => time,
      wallClock: () => time,
    });
    await folder.append('team-a/other', '0\n');
    await folder.close();
    await folder.append('team-a/flights', 'first\n');
    await expect(folder.append('team-a/flights', 'second\n')).rejects.toThrow('no space left');
    await folder.append('team-a/flights', 'third\n');
    await folder.close();

    expect(filesOf().map((name) => linesOf(name))).toEqual(['first\n', 'third\n']);
    // It made room.
    expect(removed).toEqual(['space']);
  });
});

describe('names', () => {
  it.each(['..', '.', '../x', 'a/b', '', 'A', '-a', 'a\0'])('that would lead elsewhere are none: %j', (name) => {
    expect(folderOf(name, 'flights')).toBeUndefined();
    expect(folderOf('team-a', name)).toBeUndefined();
  });

  it('of machines become such that a file can have them', () => {
    expect(ownerOf('gateway-7d9f.local/../x')).toBe('gateway-7d9f-local----x');
  });

  it('of folders that are others are left alone', async () => {
    mkdirSync(join(root, 'lost+found'));
    writeFileSync(join(root, 'team-a'), 'a file');
    const folder = aFolder('0000000a');
    await folder.look();
    await expect(folder.append('team-a/flights', A_LINE)).rejects.toThrow(/ENOTDIR|EEXIST/);
  });
});
