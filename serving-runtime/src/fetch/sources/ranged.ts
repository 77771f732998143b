import type { IncomingMessage } from 'node:http';
import { FetchError } from '../failure.ts';
import { networkFailure, statusFailure } from './network-failure.ts';
import type { Opened } from './source.ts';

/** @throws {FetchError} for any status but 200 and 206 */
export function expectOk(answer: IncomingMessage, what: string): void {
  const { statusCode = 0, headers } = answer;
  if (statusCode === 200 || statusCode === 206) return;
  answer.destroy();
  throw statusFailure(statusCode, headers, what);
}

/** What an answer of 200 or 206 brings: where its bytes begin, and of how many. */
export function openedAnswer(answer: IncomingMessage, asked: number, what: string): Omit<Opened, 'version'> {
  if (answer.headers['content-encoding'] !== undefined && answer.headers['content-encoding'] !== 'identity') {
    answer.destroy();
    throw new FetchError('SourceRefused', `${what} comes packed although that was not asked for; store it unpacked`);
  }
  const range = answer.statusCode === 206 ? (answer.headers['content-range'] ?? '') : undefined;
  try {
    const length = numberOf(answer.headers['content-length']);
    return { body: readBody(answer, what), ...extent({ range, length }, asked, what) };
  } catch (cause) {
    answer.destroy();
    throw cause;
  }
}

interface Told {
  /** The header Content-Range; without one it is the whole file that comes, whatever was asked for. */
  readonly range: string | undefined;
  readonly length: number | undefined;
}

export function extent({ range, length }: Told, asked: number, what: string): Pick<Opened, 'offset' | 'size'> {
  if (range === undefined) return { offset: 0, size: length };
  const [, from, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  if (from !== undefined && Number(from) === asked) return { offset: asked, size: numberOf(size) };
  throw new FetchError('SourceRefused', `${what} answers with another part of the file than was asked for`);
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

async function* readBody(answer: IncomingMessage, what: string): AsyncIterable<Uint8Array> {
  try {
    yield* answer as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw networkFailure(cause, what);
  }
}
