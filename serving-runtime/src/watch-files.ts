/**
 * Files that others replace while we run, such as a mounted Secret, whose files are links to links that Kubernetes exchanges all at
 * once. They are read again and compared: events of file systems are lost across such links and on network volumes.
 */
import { readFile } from 'node:fs/promises';

export interface FileWatch {
  readonly paths: readonly string[];
  /** Between two looks, in milliseconds (5 seconds). */
  readonly everyMs?: number | undefined;
  /** Told of new contents, in the order of the paths. */
  readonly changed: (contents: readonly Buffer[]) => void;
  /** Told once when they cannot be read any more. */
  readonly unreadable: (cause: unknown) => void;
}

const EVERY_MS = 5000;

/** @param initial what was read before; told are changes from it. It ends with the process. */
export function watchFiles(initial: readonly Buffer[], watch: FileWatch): void {
  let known = fingerprint(initial);
  let seen = known;
  const look = async () => {
    const contents = await Promise.all(watch.paths.map((path) => readFile(path))).catch((cause: unknown) => cause);
    const now = Array.isArray(contents) ? fingerprint(contents as Buffer[]) : String(contents);
    // Files that are being written, or exchanged between two reads, are left alone until two looks agree.
    const isSettled = now === seen;
    seen = now;
    if (!isSettled || now === known) return;
    known = now;
    if (Array.isArray(contents)) watch.changed(contents as Buffer[]);
    else watch.unreadable(contents);
  };
  const again = () => {
    setTimeout(() => void look().finally(again), watch.everyMs ?? EVERY_MS).unref();
  };
  again();
}

function fingerprint(contents: readonly Buffer[]): string {
  return contents.map((content) => content.toString('base64')).join(' ');
}
