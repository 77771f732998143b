/** When the API server is asked for a token, and how long one is used. Time is turned by hand. */
import type { Logger, ServiceAccountToken } from '@slipway/kube';
import { expect, it } from 'vitest';
import { createGatewayTokens } from './gateway-tokens.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const MINUTE = 60_000;
const SINCE_1970 = 1_000_000_000_000;
const FARE = { namespace: 'team-a', name: 'fare' };

/** Questions stay open until the test answers them, the oldest first. */
function start() {
  let time = 0;
  const asked: string[] = [];
  const open: PromiseWithResolvers<ServiceAccountToken>[] = [];
  const tokens = createGatewayTokens({
    request: (audience) => {
      asked.push(audience);
      const answer = Promise.withResolvers<ServiceAccountToken>();
      open.push(answer);
      return answer.promise;
    },
    log: silent,
    wallClock: () => SINCE_1970 + time,
    now: () => time,
  });
  return {
    tokens,
    asked,
    give: async (text: string, minutes: number) => {
      await settled();
      open.shift()?.resolve({ text, expiresAt: new Date(SINCE_1970 + time + minutes * MINUTE) });
      await settled();
    },
    fail: async () => {
      await settled();
      open.shift()?.reject(new Error('connection refused'));
      await settled();
    },
    pass: (minutes: number) => (time += minutes * MINUTE),
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('each service has its own, and requests that come together ask once', async () => {
  const { tokens, asked, give } = start();
  const both = Promise.all([tokens.of(FARE), tokens.of(FARE)]);
  const other = tokens.of({ namespace: 'team-b', name: 'fare' });
  await give('a', 60);
  await give('b', 60);

  expect(await both).toEqual(['a', 'a']);
  expect(await other).toBe('b');
  expect(asked).toEqual(['slipway:team-a/fare', 'slipway:team-b/fare']);
  expect(tokens.of(FARE)).toBe('a');
});

it('one is renewed beside the requests after half an hour', async () => {
  const { tokens, asked, give, pass } = start();
  void tokens.of(FARE);
  await give('a', 24 * 60);
  pass(29);
  expect([tokens.of(FARE), asked.length]).toEqual(['a', 1]);

  pass(1);
  expect(tokens.of(FARE)).toBe('a');
  await give('b', 24 * 60);
  expect([tokens.of(FARE), asked.length]).toEqual(['b', 2]);
});

it('while the API server is away it is used to near its end, and then there is none', async () => {
  const { tokens, asked, give, fail, pass } = start();
  void tokens.of(FARE);
  await give('a', 24 * 60);
  pass(24 * 60 - 6);
  expect(tokens.of(FARE)).toBe('a');
  await fail();
  expect([tokens.of(FARE), asked.length]).toEqual(['a', 2]);

  pass(1);
  const none = tokens.of(FARE);
  await fail();
  expect(await none).toBeUndefined();
  const again = tokens.of(FARE);
  await give('b', 60);
  expect(await again).toBe('b');
});

it('of a service that is gone it is forgotten', async () => {
  const { tokens, asked, give } = start();
  void tokens.of(FARE);
  await give('a', 60);
  tokens.forget(FARE);
  void tokens.of(FARE);
  await settled();

  expect(asked).toHaveLength(2);
});
