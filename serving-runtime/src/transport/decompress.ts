/** Compressed bodies and messages, which may be a thousand times as large as what was sent. */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';

const DECOMPRESSORS = { gzip: promisify(gunzip), deflate: promisify(inflate) };
export type Compression = keyof typeof DECOMPRESSORS;
export const COMPRESSIONS = Object.keys(DECOMPRESSORS) as readonly Compression[];

/** As many as there are threads for it: more at a time would not be done sooner, and each may take its whole limit of memory. */
const AT_A_TIME = 4;
let running = 0;
const waiting: (() => void)[] = [];

export function isCompression(name: string): name is Compression {
  return Object.hasOwn(DECOMPRESSORS, name);
}

/** undefined where it has more than `maxBytes`. Rejects where it is not compressed so. */
export async function decompress(
  bytes: Uint8Array,
  compression: Compression,
  maxBytes: number,
): Promise<Buffer | undefined> {
  if (running === AT_A_TIME) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await DECOMPRESSORS[compression](bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw cause;
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
