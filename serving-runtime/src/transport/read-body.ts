import type { IncomingMessage } from 'node:http';
import { RequestError } from '../protocol/errors.ts';

/** How much of a body that is too long is read and thrown away, so that the client is still there to hear so. */
const DISCARD_LIMIT = 64 * 1024 * 1024;

/** The whole body of a request. @throws {RequestError} TooLarge when it is longer than `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
    if (size > limit + DISCARD_LIMIT) break;
  }
  if (size > limit) {
    throw new RequestError(
      'TooLarge',
      `the body is larger than ${limit} bytes; send less at a time, or tensors as binary data`,
    );
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}
