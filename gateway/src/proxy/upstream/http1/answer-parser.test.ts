import { describe, expect, it } from 'vitest';
import { AnswerParser, MalformedAnswer } from './answer-parser.ts';

interface Read {
  readonly told: readonly unknown[];
  readonly isComplete: boolean;
  readonly keepsAlive: boolean;
}

/** `pieces`: as they come. */
function read(pieces: readonly string[], { isHead = false, isFinished = false } = {}): Read {
  const told: unknown[] = [];
  let body = '';
  const tellBody = () => {
    if (body !== '') told.push(body);
    body = '';
  };
  const parser = new AnswerParser(
    {
      answered: (status, fields) => told.push([status, ...fields.map(({ name, value }) => `${name}=${value}`)]),
      data: (chunk) => (body += chunk.toString('latin1')),
      ended: (trailers) => {
        tellBody();
        told.push(['end', ...trailers.map(({ name, value }) => `${name}=${value}`)]);
      },
    },
    isHead,
  );
  for (const piece of pieces) parser.read(Buffer.from(piece, 'latin1'));
  if (isFinished) parser.finish();
  tellBody();
  const { isComplete, keepsAlive } = parser;
  return { told, isComplete, keepsAlive };
}

const byByte = (text: string) => Array.from({ length: text.length }, (_, index) => text.charAt(index));

const OK = 'HTTP/1.1 200 OK\r\n';

describe('an answer', () => {
  const cases: Readonly<Record<string, readonly [text: string, told: readonly unknown[], keepsAlive: boolean]>> = {
    'with a length': [`${OK}Content-Length: 5\r\n\r\nhello`, [[200, 'content-length=5'], 'hello', ['end']], true],
    'with nothing in it': [`${OK}Content-Length: 0\r\n\r\n`, [[200, 'content-length=0'], ['end']], true],
    'in chunks, with extensions and trailers': [
      `${OK}Transfer-Encoding: Chunked\r\n\r\n2;a="b"\r\nhe\r\n03 \r\nllo\r\n0\r\nX-Sum: 1\r\nX-B:\r\n\r\n`,
      [[200, 'transfer-encoding=Chunked'], 'hello', ['end', 'x-sum=1', 'x-b=']],
      true,
    ],
    'in chunks of which there are none': [
      `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      [[200, 'transfer-encoding=chunked'], ['end']],
      true,
    ],
    'after heads that are none': [
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 1\r\n\r\na`,
      [[200, 'content-length=1'], 'a', ['end']],
      true,
    ],
    '204, whatever it announces': ['HTTP/1.1 204 No Content\r\n\r\n', [[204], ['end']], true],
    '304, with the length of what it has not': [
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
      [[304, 'content-length=9'], ['end']],
      true,
    ],
    'without a reason, and with bytes beyond ASCII': [
      'HTTP/1.1 200\r\nX-A: \t\xe9\t \r\nContent-Length: 0\r\n\r\n',
      [[200, 'x-a=\xe9', 'content-length=0'], ['end']],
      true,
    ],
    'whose server closes': [
      `${OK}Connection: X-A, Close\r\nContent-Length: 1\r\n\r\na`,
      [[200, 'connection=X-A, Close', 'content-length=1'], 'a', ['end']],
      false,
    ],
    'of HTTP/1.0': ['HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', [[200, 'content-length=1'], 'a', ['end']], false],
    'with more than it says behind it': [
      `${OK}Content-Length: 1\r\n\r\na${OK}Content-Length: 0\r\n\r\n`,
      [[200, 'content-length=1'], 'a', ['end']],
      false,
    ],
  };

  it.each(Object.entries(cases))('%s', (_, [text, told, keepsAlive]) => {
    expect(read([text])).toEqual({ told, isComplete: true, keepsAlive });
    expect(read(byByte(text))).toEqual({ told, isComplete: true, keepsAlive });
  });

  it('to HEAD has no body, whatever it says', () => {
    const text = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

    expect(read([text], { isHead: true })).toMatchObject({ isComplete: true, keepsAlive: true });
  });

  it('without a length ends with its connection, and only then', () => {
    const text = `${OK}\r\nhello`;

    expect(read([text])).toEqual({ told: [[200], 'hello'], isComplete: false, keepsAlive: false });
    const all = read(byByte(text), { isFinished: true });
    expect(all).toEqual({ told: [[200], 'hello', ['end']], isComplete: true, keepsAlive: false });
  });

  it.each([
    ['a length', `${OK}Content-Length: 5\r\n\r\nhell`],
    ['chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n`],
  ])('with %s is not complete when its connection ends before', (_, text) => {
    expect(read([text], { isFinished: true }).isComplete).toBe(false);
  });
});

describe('what is no answer, or could be read in two ways', () => {
  const chunked = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
  const cases: Readonly<Record<string, string>> = {
    'another protocol': 'SSH-2.0-OpenSSH\r\n\r\n',
    'another version': 'HTTP/2.0 200 OK\r\n\r\n',
    'no status': 'HTTP/1.1  200 OK\r\n\r\n',
    'a status of four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
    'a change of protocol that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n',
    'heads before the answer without end': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(17),
    'an empty line first': `\r\n\r\n${OK}\r\n`,
    'a length and chunks': `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'two lengths': `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`,
    'a length in a list': `${OK}Content-Length: 5, 5\r\n\r\n`,
    'a length with a sign': `${OK}Content-Length: +5\r\n\r\n`,
    'a length in hexadecimal': `${OK}Content-Length: 0x5\r\n\r\n`,
    'a length that is empty': `${OK}Content-Length:\r\n\r\n`,
    'another coding': `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    'a coding that is nearly chunked': `${OK}Transfer-Encoding: xchunked\r\n\r\n`,
    'two codings': `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'chunks of HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'a field over two lines': `${OK}X-A: b\r\n Content-Length: 5\r\n\r\n`,
    'a blank before the colon': `${OK}Content-Length : 5\r\n\r\n`,
    'a line without a colon': `${OK}X-A\r\n\r\n`,
    'a name that is empty': `${OK}: a\r\n\r\n`,
    'a bare line feed': `${OK}X-A: b\nContent-Length: 5\r\n\r\n`,
    'a bare carriage return': `${OK}X-A: b\rX-B: c\r\n\r\n`,
    'a NUL': `${OK}X-A: a\0b\r\n\r\n`,
    'a head without end': `${OK}X-A: ${'a'.repeat(17_000)}`,
    'a chunk without a size': `${chunked}\r\nhello`,
    'a size with a sign': `${chunked}-5\r\nhello`,
    'a size in another notation': `${chunked}0x5\r\nhello`,
    'a size that overflows': `${chunked}fffffffffffffffff\r\n`,
    'a size after a bare line feed': `${chunked}5\nhello\r\n`,
    'a chunk that is longer than it says': `${chunked}1\r\nab\r\n`,
    'an extension without end': `${chunked}1;${'a'.repeat(2000)}`,
    'an extension with a line feed': `${chunked}1;a\nb\r\na`,
    'trailers that are none': `${chunked}0\r\nX A: b\r\n\r\n`,
    'trailers without end': `${chunked}0\r\nX-A: ${'a'.repeat(17_000)}`,
  };

  it.each(Object.entries(cases))('%s', (_, text) => {
    expect(() => read([text])).toThrow(MalformedAnswer);
    expect(() => read(byByte(text))).toThrow(MalformedAnswer);
  });
});
