import type { Clock, Logger, TokenIssuer } from '@slipway/kube';
import { expect, it } from 'vitest';
import { createTokenIssuerWatch } from './token-issuer.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const settled = () => new Promise((resolve) => setImmediate(resolve));
const key = (kid: string) => ({ kty: 'RSA', kid });

it('tells of other keys, whatever their order, and keeps those that it has while it cannot look', async () => {
  const waits: number[] = [];
  let wake = () => {};
  const clock: Clock = {
    now: () => new Date(0),
    setTimeout: (then, ms) => {
      waits.push(ms);
      wake = then;
      return { cancel: () => undefined };
    },
  };
  let answer: TokenIssuer | undefined;
  const client = {
    tokenIssuer: async () => {
      if (answer === undefined) throw new Error('connection refused');
      return answer;
    },
  };
  const watch = createTokenIssuerWatch({ client, clock, log: silent, subject: 'gateway' });
  let told = 0;
  watch.subscribe(() => (told += 1));
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  const look = async (found: TokenIssuer | undefined) => {
    answer = found;
    wake();
    await settled();
    return [told, watch.current()?.keys.map(({ kid }) => kid)];
  };
  await settled();
  expect(watch.current()).toBeUndefined();

  expect(await look({ issuer: 'api', keys: [key('b'), key('a')] })).toEqual([1, ['a', 'b']]);
  expect(watch.current()).toMatchObject({ issuer: 'api', subjects: ['gateway'] });
  expect(await look({ issuer: 'api', keys: [key('a'), key('b')] })).toEqual([1, ['a', 'b']]);
  expect(await look(undefined)).toEqual([1, ['a', 'b']]);
  expect(await look({ issuer: 'api', keys: [key('c')] })).toEqual([2, ['c']]);
  expect(waits).toEqual([5000, 60_000, 60_000, 5000, 60_000]);
  stop.abort();
  wake();
  await running;
});
