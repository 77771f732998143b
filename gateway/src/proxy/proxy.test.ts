/** The small parts: what is kept of a body, and what a refusal says in both protocols. */
import { expect, it } from 'vitest';
import { requestFields } from './fields.ts';
import { KeptBody, KeptMemory } from './kept-body.ts';
import { refusalAnswer } from './refusal.ts';
import { requestIdOf } from './request.ts';

it('a body is kept until it is too large, and then nothing of it is', () => {
  const memory = new KeptMemory({ perRequest: 4, total: 100 });
  const body = new KeptBody(memory);
  body.push(Buffer.from('abcd'));
  expect([body.isWhole, memory.used]).toEqual([true, 4]);

  body.push(Buffer.from('e'));
  body.push(Buffer.from('f'));

  expect([body.isWhole, body.chunks.length, memory.used]).toEqual([false, 0, 0]);
});

it('all bodies together have a bound, and give back what they took', () => {
  const memory = new KeptMemory({ perRequest: 4, total: 6 });
  const [one, two] = [new KeptBody(memory), new KeptBody(memory)];
  one.push(Buffer.from('abcd'));
  two.push(Buffer.from('abcd'));
  expect([one.isWhole, two.isWhole]).toEqual([true, false]);

  one.release();
  one.release();

  expect(memory.used).toBe(0);
});

it('a refusal is JSON with a status over HTTP, and trailers over gRPC', () => {
  const refusal = { code: 'Unavailable', message: 'später' } as const;

  const http = refusalAnswer(refusal, false, 'r-1');
  const grpc = refusalAnswer(refusal, true, 'r-1');

  expect(Object.fromEntries(http.fields.map(({ name, value }) => [name, value]))).toMatchObject({
    ':status': '503',
    'retry-after': '1',
    'x-request-id': 'r-1',
  });
  expect(JSON.parse(String(http.body))).toEqual({ error: 'später' });
  expect(Object.fromEntries(grpc.fields.map(({ name, value }) => [name, value]))).toEqual({
    ':status': '200',
    'content-type': 'application/grpc',
    'x-request-id': 'r-1',
    'grpc-status': '14',
    'grpc-message': 'sp%C3%A4ter',
  });
});

it.each([
  [0.2, '1m'],
  [1500.4, '1501m'],
  [200_000_000, '200000S'],
  [-5, '1m'],
])('%d ms that are left are told the server as %s', (timeLeftMs, text) => {
  const fields = requestFields([{ name: 'grpc-timeout', value: '9H' }], { requestId: 'r', isGrpc: true, timeLeftMs });

  expect(fields.filter(({ name }) => name === 'grpc-timeout')).toEqual([{ name: 'grpc-timeout', value: text }]);
});

it('an id that could not stand in a header or a log line is replaced', () => {
  expect(requestIdOf('order-7/a')).toBe('order-7/a');
  for (const given of [undefined, '', 'a b', 'ü', 'x'.repeat(129)])
    expect(requestIdOf(given)).toMatch(/^[0-9a-f-]{36}$/);
});
