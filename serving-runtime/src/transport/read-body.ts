import type { IncomingMessage } from 'node:http';
import { RequestError } from '../protocol/errors.ts';

/** The whole body of a request. @throws {RequestError} TooLarge as soon as it is longer than `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new RequestError(
      'TooLarge',
      `the body is larger than ${limit} bytes; send less at a time, or tensors as binary data`,
    );
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}
