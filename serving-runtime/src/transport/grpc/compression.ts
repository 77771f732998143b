/** Compressed messages: https://github.com/grpc/grpc/blob/master/doc/compression.md */
import { RequestError } from '../../protocol/errors.ts';
import { COMPRESSIONS, decompress, isCompression } from '../decompress.ts';
import type { RawMessage } from './message-reader.ts';

export const ACCEPTED_ENCODINGS = ['identity', ...COMPRESSIONS].join(',');

export function isKnownEncoding(encoding: string | undefined): boolean {
  return encoding === undefined || encoding === 'identity' || isCompression(encoding);
}

/** Rejects with a RequestError when it is none of that encoding, or larger than `maxBytes`. */
export async function decompressed(
  { bytes }: RawMessage,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  if (encoding === undefined || !isCompression(encoding))
    throw new RequestError('Internal', 'a message is compressed, and grpc-encoding does not say how');
  const message = await decompress(bytes, encoding, maxBytes).catch(() => {
    throw new RequestError('InvalidArgument', `a message is not valid ${encoding}`);
  });
  if (message !== undefined) return message;
  throw new RequestError('TooLarge', `a message has more than ${maxBytes} bytes when it is decompressed`);
}
