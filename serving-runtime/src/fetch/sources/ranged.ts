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
  const body = readBody(answer, what);
  const length = numberOf(answer.headers['content-length']);
  if (answer.statusCode !== 206) return { body, offset: 0, size: length };
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '');
  if (range === null || Number(range[1]) !== asked) {
    answer.destroy();
    throw new FetchError('SourceRefused', `${what} answers with another part of the file than was asked for`);
  }
  return { body, offset: asked, size: numberOf(range[3]) };
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
