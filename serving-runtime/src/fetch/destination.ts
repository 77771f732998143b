import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FetchError } from './failure.ts';

/** Where a tree is made before it becomes the destination, on the same file system. */
export interface Workplace {
  readonly destination: string;
  /** A mounted volume cannot be renamed onto, so its entries are moved one by one. */
  readonly isMount: boolean;
  /** Gone after success; after a failure it holds what came already. */
  readonly folder: string;
}

const INSIDE = '.fetch';
/** Not ours, and no model: ext4 puts it into every volume. */
export const NO_CONTENT = new Set([INSIDE, 'lost+found', `${INSIDE}.lock`]);

export async function workplaceFor(path: string): Promise<Workplace> {
  const destination = await realpath(path).catch(() => resolve(path));
  const isMount = (await mountPoints()).has(destination);
  const folder = isMount ? join(destination, INSIDE) : join(dirname(destination), `.${basename(destination)}.fetch`);
  await mkdir(dirname(folder), { recursive: true });
  return { destination, isMount, folder };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html, field 5; other systems have none. */
async function mountPoints(): Promise<Set<string>> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const unescaped = (path: string) => path.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
  return new Set(text.split('\n').map((line) => unescaped(line.split(' ')[4] ?? '')));
}

/** What is at the destination that we did not put there just now. */
export async function contents(destination: string): Promise<string[]> {
  const names = await readdir(destination).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') throw new FetchError('DestinationNotEmpty', `${destination} is a file; name a folder`);
    throw cause;
  });
  return names.filter((name) => !NO_CONTENT.has(name));
}

/** Ends what a process began that was killed while it published. */
export async function recover(place: Workplace): Promise<void> {
  if (place.isMount) return finishMoves(place);
  // Has no effect when there is something at the destination.
  await rename(join(place.folder, 'old'), place.destination).catch(() => undefined);
}

/** Makes the tree the destination; what was there before goes. */
export async function publish(tree: string, place: Workplace): Promise<void> {
  const { destination, isMount, folder } = place;
  if (isMount) {
    // From here on the new files win, whoever finishes the work.
    await rename(tree, join(folder, 'verified'));
    await finishMoves(place);
  } else {
    const old = join(folder, 'old');
    await rm(old, { recursive: true, force: true });
    if ((await contents(destination)).length > 0) await rename(destination, old);
    await rename(tree, destination);
    await flush(dirname(destination));
  }
  await rm(folder, { recursive: true, force: true });
}

/** Each step can be done again: what was there goes aside first, and only then the new files come. */
async function finishMoves({ destination, folder }: Workplace): Promise<void> {
  const verified = join(folder, 'verified');
  const moving = join(folder, 'moving');
  if (await exists(verified)) {
    await moveEntries(destination, join(folder, 'old'), await contents(destination));
    await rename(verified, moving);
  }
  if (!(await exists(moving))) return;
  await moveEntries(moving, destination, await readdir(moving));
  await flush(destination);
  await rm(folder, { recursive: true, force: true });
}

async function moveEntries(from: string, to: string, names: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of names) await rename(join(from, name), join(to, name));
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}
