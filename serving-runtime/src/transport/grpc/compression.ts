/** Compressed messages: https://github.com/grpc/grpc/blob/master/doc/compression.md */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { RequestError } from '../../protocol/errors.ts';
import type { RawMessage } from './message-reader.ts';

const DECOMPRESSORS = { gzip: promisify(gunzip), deflate: promisify(inflate) };

export const ACCEPTED_ENCODINGS = ['identity', ...Object.keys(DECOMPRESSORS)].join(',');

export function isKnownEncoding(encoding: string | undefined): boolean {
  return encoding === undefined || encoding === 'identity' || Object.hasOwn(DECOMPRESSORS, encoding);
}

/** Rejects with a RequestError when it is none of that encoding, or larger than `maxBytes`. */
export async function decompressed(
  { bytes }: RawMessage,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  const decompress = DECOMPRESSORS[encoding as keyof typeof DECOMPRESSORS] as
    | (typeof DECOMPRESSORS)['gzip']
    | undefined;
  if (decompress === undefined)
    throw new RequestError('Internal', 'a message is compressed, and grpc-encoding does not say how');
  try {
    return await decompress(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new RequestError('TooLarge', `a message has more than ${maxBytes} bytes when it is decompressed`);
    }
    throw new RequestError('InvalidArgument', `a message is not valid ${encoding}`);
  }
}
