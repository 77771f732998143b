/** All files with samples: which of them get lines, which are finished, and which have to go. One call at a time. */
import { finishedName, isMissing } from './sample-disk.ts';
import type { FoundFile, SampleDisk } from './sample-disk.ts';
import { fileName, readFileName } from './sample-name.ts';
import type { Writer } from './sample-name.ts';

export interface FolderLimits {
  /** Of all files together. */
  readonly maxBytes: number;
  /** A file that has so many is finished. */
  readonly maxFileBytes: number;
  /** So is one that was begun so long ago, in milliseconds. */
  readonly maxAgeMs: number;
  /** Finished files go after so many milliseconds. */
  readonly retentionMs: number;
}

export interface FolderMetrics {
  removed(why: 'age' | 'space'): void;
  bytes(all: number): void;
}

export interface FolderDeps {
  readonly disk: SampleDisk;
  readonly writer: Writer;
  readonly limits: FolderLimits;
  readonly metrics: FolderMetrics;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
}

export interface SampleFolder {
  /**
   * Adds lines to the file of a service (`namespace/name`). False where all together have as much as they may, and nothing can go.
   *
   * @throws {Error} of the file system; nobody knows then how much of it is written.
   */
  append(service: string, lines: string): Promise<boolean>;
  /** Finishes files that are old enough, and removes those that are too old. @throws {Error} */
  tidy(): Promise<void>;
  /** Looks at what is there, and takes over what dead gateways left. @throws {Error} */
  look(): Promise<void>;
  /** Finishes all. @throws {Error} */
  close(): Promise<void>;
}

interface OpenFile {
  readonly path: string;
  readonly begunAt: number;
  bytes: number;
}

interface FinishedFile {
  readonly bytes: number;
  /** In milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** A file takes whole blocks of the disk. */
const BLOCK_BYTES = 4096;
/** A gateway that lives finishes its files at their age; no clock of another machine is asked. */
const ABANDONED_AFTER_MS = 300_000;
const NO_SPACE: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

export function createSampleFolder({ disk, writer, limits, metrics, now, wallClock }: FolderDeps): SampleFolder {
  const open = new Map<string, OpenFile>();
  /** By their paths, the oldest first. */
  let finished = new Map<string, FinishedFile>();
  /** Open files of others: since when they are known here. */
  let others = new Map<string, { readonly seenAt: number; readonly bytes: number }>();
  let usedBytes = 0;
  let begun = 0;

  function use(bytes: number): void {
    usedBytes += bytes;
    metrics.bytes(usedBytes);
  }

  async function finish(service: string, file: OpenFile): Promise<void> {
    open.delete(service);
    await disk.finish(file.path).catch(unlessMissing);
    finished.set(finishedName(file.path), { bytes: file.bytes, modifiedAt: wallClock() });
  }

  async function remove([path, { bytes }]: readonly [string, FinishedFile], why: 'age' | 'space'): Promise<void> {
    finished.delete(path);
    use(-onDisk(bytes));
    await disk.remove(path).catch(unlessMissing);
    metrics.removed(why);
  }

  /** False where there is none. */
  async function removeOldest(): Promise<boolean> {
    const [oldestOpen] = open;
    if (finished.size === 0 && oldestOpen !== undefined) await finish(...oldestOpen);
    const [oldest] = finished;
    if (oldest === undefined) return false;
    await remove(oldest, 'space');
    return true;
  }

  async function makeRoom(bytes: number): Promise<boolean> {
    while (usedBytes + bytes > limits.maxBytes) if (!(await removeOldest())) return false;
    return true;
  }

  function begin(service: string): OpenFile {
    begun += 1;
    const file = { path: `${service}/${fileName(writer, wallClock(), begun)}`, begunAt: now(), bytes: 0 };
    open.set(service, file);
    return file;
  }

  async function write(service: string, file: OpenFile, lines: string): Promise<void> {
    const isNew = file.bytes === 0;
    try {
      await (isNew ? disk.create(file.path, lines) : disk.append(file.path, lines));
    } catch (cause) {
      // Somebody took us for dead, and has finished it.
      if (!isNew && isMissing(cause)) return write(service, begin(service), lines);
      // Half a line may stand at its end, to which nothing must be added.
      open.delete(service);
      await disk.finishTorn(file.path).catch(() => {});
      if (NO_SPACE.has((cause as NodeJS.ErrnoException).code)) await removeOldest();
      throw cause;
    }
    const before = onDisk(file.bytes);
    file.bytes += Buffer.byteLength(lines);
    use(onDisk(file.bytes) - before);
  }

  /** Finishes it where its writer is dead; returns whether it is finished. */
  async function takeOver({ path, bytes }: FoundFile): Promise<boolean> {
    const seenAt = others.get(path)?.seenAt ?? now();
    others.set(path, { seenAt, bytes });
    const named = readFileName(path.slice(path.lastIndexOf('/') + 1));
    const isOfThisPlace = named?.owner === writer.owner;
    if (!isOfThisPlace && now() - seenAt < limits.maxAgeMs + ABANDONED_AFTER_MS) return false;
    await disk.finishTorn(path).catch(unlessMissing);
    return true;
  }

  return {
    append: async (service, lines) => {
      const bytes = Buffer.byteLength(lines);
      const before = open.get(service);
      if (before !== undefined && before.bytes + bytes > limits.maxFileBytes) await finish(service, before);
      if (!(await makeRoom(onDisk(bytes)))) return false;
      await write(service, open.get(service) ?? begin(service), lines);
      return true;
    },
    tidy: async () => {
      const old = [...open].filter(([, { begunAt }]) => now() - begunAt >= limits.maxAgeMs);
      for (const [service, file] of old) await finish(service, file);
      for (const entry of finished) {
        if (wallClock() - entry[1].modifiedAt < limits.retentionMs) break;
        await remove(entry, 'age');
      }
    },
    look: async () => {
      const found = await disk.list();
      const own = new Set([...open.values()].map(({ path }) => path));
      const done: FoundFile[] = [];
      const stillOpen = new Set<string>();
      for (const file of found) {
        const isOpen = file.path.endsWith('.open');
        if (isOpen && own.has(file.path)) continue;
        if (!isOpen) done.push(file);
        else if (await takeOver(file)) done.push({ ...file, path: finishedName(file.path) });
        else stillOpen.add(file.path);
      }
      others = new Map([...others].filter(([path]) => stillOpen.has(path)));
      finished = new Map(done.sort((a, b) => a.modifiedAt - b.modifiedAt).map(({ path, ...facts }) => [path, facts]));
      const all = [...open.values(), ...finished.values(), ...others.values()];
      usedBytes = 0;
      use(all.reduce((sum, { bytes }) => sum + onDisk(bytes), 0));
    },
    close: async () => {
      for (const [service, file] of open) await finish(service, file);
    },
  };
}

function onDisk(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function unlessMissing(cause: unknown): void {
  if (!isMissing(cause)) throw cause;
}
