import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { withLock } from './lock.ts';
import { folders } from './testing/fixture.ts';

/** A busy machine may stand still for a while, and then nobody shows that he lives. */
const TIMES = { beatMs: 50, deadMs: 1500 };
const options = { signal: new AbortController().signal, log: () => {}, times: TIMES };

it('lets one in at a time', async () => {
  using at = folders();
  const path = join(at.root, 'lock');
  let inside = 0;
  let most = 0;

  const work = async () => {
    most = Math.max(most, ++inside);
    await sleep(50);
    inside--;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, options, work)));

  expect(most).toBe(1);
  expect(existsSync(path)).toBe(false);
});

it('takes over from a holder that is dead, whatever the clocks say', async () => {
  using at = folders();
  const path = join(at.root, 'lock');
  writeFileSync(path, 'of a container that was killed');
  const future = Date.now() / 1000 + 86_400;
  utimesSync(path, future, future);

  expect(await withLock(path, options, () => Promise.resolve('done'))).toBe('done');
});

it('waits for a holder that lives, however long it takes', async () => {
  using at = folders();
  const path = join(at.root, 'lock');
  const order: string[] = [];

  let second = Promise.resolve();
  await withLock(path, options, async () => {
    second = withLock(path, options, async () => void order.push('second'));
    await sleep(2 * TIMES.deadMs);
    order.push('first');
  });
  await second;

  expect(order).toEqual(['first', 'second']);
});

it('tells a holder that it has lost its lock, and leaves that to its new owner', async () => {
  using at = folders();
  const path = join(at.root, 'lock');

  const lost = withLock(path, options, async (signal) => {
    writeFileSync(path, 'of another');
    await sleep(10_000, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  });

  await expect(lost).rejects.toMatchObject({ reason: 'LockLost' });
  expect(existsSync(path)).toBe(true);
});
