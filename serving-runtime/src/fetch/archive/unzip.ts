import { openPromise } from 'yauzl';
import type { Entry } from 'yauzl';
import { FetchError } from '../failure.ts';
import { checkFiles } from '../limits.ts';
import type { Limits } from '../limits.ts';
import type { TreeWriter } from './tree-writer.ts';

const FILE_TYPE = 0o170000;
const LINK = 0o120000;

/** Reads a zip by its directory; the package checks that entries have the size that they claim. */
export async function unzip(path: string, writer: TreeWriter, limits: Limits): Promise<void> {
  const zip = await openPromise(path, { strictFileNames: true, autoClose: false });
  try {
    checkFiles(zip.entryCount, limits);
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      refuse(entry);
      const body = await zip.openReadStreamPromise(entry);
      // It may fail before anyone reads it; who reads it later still sees that.
      body.on('error', () => {});
      await writer.file(entry.fileName, body as AsyncIterable<Uint8Array>);
    }
  } finally {
    zip.close();
  }
}

function refuse(entry: Entry): void {
  const name = JSON.stringify(entry.fileName.slice(0, 200));
  if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === LINK) {
    throw new FetchError('LinkRefused', `The archive holds a link, ${name}; pack the file that it leads to`);
  }
  if (entry.isEncrypted()) throw new FetchError('ArchiveInvalid', `The archive holds ${name}, which needs a password`);
}
