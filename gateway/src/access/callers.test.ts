/** When the API server is asked whose a token is, and when what it said before counts. Time is turned by hand. */
import { expect, it } from 'vitest';
import { createCallers } from './callers.ts';
import type { Review } from './remembered.ts';

const CHECKOUT: Review = { serviceAccount: { namespace: 'web', name: 'checkout' } };
const NOBODY: Review = { serviceAccount: undefined };
const token = (text: string, expiresAt = 4_000_000_000) => ({ text, expiresAt });

/** Questions stay open until the test answers them, the oldest first. */
function start() {
  let time = 0;
  const asked: string[] = [];
  const open: PromiseWithResolvers<Review>[] = [];
  const callers = createCallers({
    review: (text) => {
      asked.push(text);
      const answer = Promise.withResolvers<Review>();
      open.push(answer);
      return answer.promise;
    },
    wallClock: () => 1_000_000_000_000 + time,
    now: () => time,
  });
  return {
    of: async (one: ReturnType<typeof token>) => callers.of(one),
    asked,
    answer: (review: Review) => open.shift()?.resolve(review),
    fail: () => open.shift()?.reject(new Error('connection refused')),
    pass: (milliseconds: number) => (time += milliseconds),
  };
}

async function known(world: ReturnType<typeof start>, text: string, review: Review): Promise<void> {
  const found = world.of(token(text));
  await settled();
  world.answer(review);
  await found;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('requests that come with one token are one question, and later ones none', async () => {
  const world = start();
  const all = [world.of(token('a')), world.of(token('a')), world.of(token('a'))];
  await settled();
  world.answer(CHECKOUT);

  expect(await Promise.all(all)).toEqual([CHECKOUT, CHECKOUT, CHECKOUT]);
  world.pass(29_999);
  expect(await world.of(token('a'))).toBe(CHECKOUT);
  expect(world.asked).toEqual(['a']);
});

it('asks again beside the requests, and believes what it hears then', async () => {
  const world = start();
  await known(world, 'a', CHECKOUT);
  world.pass(30_000);

  expect([await world.of(token('a')), await world.of(token('a'))]).toEqual([CHECKOUT, CHECKOUT]);
  await settled();
  expect(world.asked).toEqual(['a', 'a']);
  world.answer(NOBODY);
  await settled();
  expect(await world.of(token('a'))).toBe(NOBODY);
});

it('a token that was not used for a minute waits for an answer', async () => {
  const world = start();
  await known(world, 'a', CHECKOUT);
  world.pass(60_000);
  const found = world.of(token('a'));
  await settled();
  world.answer(NOBODY);

  expect(await found).toBe(NOBODY);
});

it('while the API server is away, whom it knew goes in, and it is asked once in five seconds', async () => {
  const world = start();
  await known(world, 'a', CHECKOUT);
  world.pass(60_000);
  const found = world.of(token('a'));
  await settled();
  world.fail();
  expect(await found).toBe(CHECKOUT);

  world.pass(4_999);
  expect(await world.of(token('a'))).toBe(CHECKOUT);
  expect(world.asked).toHaveLength(2);
  world.pass(1);
  const later = world.of(token('a'));
  await settled();
  expect(world.asked).toHaveLength(3);
  world.fail();
  expect(await later).toBe(CHECKOUT);
});

it('while the API server is away, who is not known is not, and nothing is remembered', async () => {
  const world = start();
  const found = world.of(token('a'));
  await settled();
  world.fail();
  expect(await found).toBeUndefined();

  await known(world, 'a', CHECKOUT);
  expect(await world.of(token('a'))).toBe(CHECKOUT);
});

it('a token counts no longer than it says', async () => {
  const world = start();
  const first = world.of(token('a', 1_000_000_010));
  await settled();
  world.answer(CHECKOUT);
  await first;
  world.pass(9_999);
  expect(await world.of(token('a', 1_000_000_010))).toBe(CHECKOUT);

  world.pass(1);
  void world.of(token('a', 1_000_000_010));
  await settled();
  expect(world.asked).toHaveLength(2);
});

it('asks about 16 tokens at a time, lets 256 wait, and does not know the rest', async () => {
  const world = start();
  const all = Array.from({ length: 300 }, (_, index) => world.of(token(`t-${index}`)));
  await settled();
  expect(world.asked).toHaveLength(16);
  expect(await Promise.all(all.slice(272))).toEqual(Array.from({ length: 28 }));

  for (let answered = 0; answered < 272; answered += 1) {
    world.answer(CHECKOUT);
    await settled();
  }

  expect(await Promise.all(all.slice(0, 272))).toEqual(Array.from({ length: 272 }, () => CHECKOUT));
});
