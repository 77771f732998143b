import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { currentRequest } from '../../server/request-record.ts';
import { invalid, RequestError } from '../../protocol/errors.ts';

/** How much of a body that is too long is read and thrown away, so that the client is still there to hear so. */
const DISCARD_LIMIT = 64 * 1024 * 1024;

const DECODERS: Readonly<
  Record<string, (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>>
> = {
  identity: async (body) => body,
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
};

/**
 * The whole body of a request, decompressed.
 *
 * @param limit bytes, before and after it is decompressed.
 * @throws {RequestError} TooLarge, or InvalidArgument where it is not what its Content-Encoding says.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const decode = DECODERS[encoding];
  if (decode === undefined) throw invalid(`the content encoding must be ${Object.keys(DECODERS).join(', ')} or none`);
  const body = await readBytes(request, limit);
  try {
    return await decode(body, { maxOutputLength: limit });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit);
    throw invalid(`the body is not ${encoding}, as its content encoding says`);
  }
}

async function readBytes(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
    if (size > limit + DISCARD_LIMIT) break;
  }
  const record = currentRequest.getStore();
  if (record !== undefined) record.bytesIn += size;
  if (size > limit) throw tooLarge(limit);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}

function tooLarge(limit: number): RequestError {
  return new RequestError(
    'TooLarge',
    `the body is larger than ${limit} bytes; send less at a time, or tensors as binary data`,
  );
}
