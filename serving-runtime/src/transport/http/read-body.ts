import type { IncomingMessage } from 'node:http';
import { currentRequest } from '../../server/request-record.ts';
import { invalid, RequestError } from '../../protocol/errors.ts';
import { COMPRESSIONS, decompress, isCompression } from '../decompress.ts';
import { IncompleteBody } from './incomplete-body.ts';

/** How much of a body that is too long is read and thrown away, so that the client is still there to hear so. */
const DISCARD_LIMIT = 64 * 1024 * 1024;

/**
 * The whole body of a request, decompressed.
 *
 * @param limit bytes, before and after it is decompressed.
 * @throws {RequestError} TooLarge, Unavailable, Cancelled, or InvalidArgument where it is not what its Content-Encoding says.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding === 'identity') return readBytes(request, limit);
  if (!isCompression(encoding))
    throw invalid(`the content encoding must be identity, ${COMPRESSIONS.join(', ')} or none`);
  const body = await decompress(await readBytes(request, limit), encoding, limit).catch((cause: unknown) => {
    if (cause instanceof RequestError) throw cause;
    throw invalid(`the body is not ${encoding}, as its content encoding says`);
  });
  if (body === undefined) throw tooLarge(limit);
  return body;
}

async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const body = new IncompleteBody(limit);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const take = (piece: Buffer) => {
    try {
      body.push(piece);
      if (body.size > limit + DISCARD_LIMIT) reject(tooLarge(limit));
    } catch (cause) {
      reject(cause);
    }
  };
  request.on('data', take);
  request.once('end', () => (body.isTooLarge ? reject(tooLarge(limit)) : resolve(body.take())));
  const gone = () => reject(new RequestError('Cancelled', 'the client went before its body was complete'));
  request.once('error', gone);
  request.once('close', gone);
  if (request.destroyed) gone();
  try {
    return await promise;
  } finally {
    // What comes after a failure is thrown away.
    request.off('data', take);
    // Each request closes in the end, and an error made for it then costs more than to read a small body.
    request.off('close', gone);
    body.release();
    const record = currentRequest.getStore();
    if (record !== undefined) record.bytesIn += body.size;
  }
}

function tooLarge(limit: number): RequestError {
  return new RequestError(
    'TooLarge',
    `the body is larger than ${limit} bytes; send less at a time, or tensors as binary data`,
  );
}
