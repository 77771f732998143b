import type { Cache, Job } from '@slipway/kube';
import { createFakeClock } from '@slipway/kube/testing/fake-clock.ts';
import { expect, it } from 'vitest';
import { aJob } from '../../../testing/fixtures.ts';
import { createPlaces } from './places.ts';

const model = { namespace: 'team', name: 'delay' };
const job = (name: string) => ({ namespace: 'team', name });

function placesWith(seen: readonly string[], clock = createFakeClock()) {
  const get = ({ name }: { name: string }) => (seen.includes(name) ? aJob() : undefined);
  return createPlaces({ caches: { jobs: { get } as unknown as Cache<Job> }, clock });
}

it('gives three places for each Model, though no cache knows of the Jobs yet', () => {
  const places = placesWith([]);
  const taken = ['a', 'b', 'c', 'd'].map((name) => places.take(model, job(name), 0) !== undefined);

  expect(taken).toEqual([true, true, true, false]);
  expect(places.take({ ...model, name: 'fare' }, job('e'), 0)).toBeDefined();
});

it('counts a Job once, that a cache knows of, or that is asked for again', () => {
  const seen: string[] = [];
  const places = placesWith(seen);
  places.take(model, job('a'), 0);
  seen.push('a');
  const taken = ['b', 'b', 'c', 'd'].map((name) => places.take(model, job(name), 1) !== undefined);

  expect(taken).toEqual([true, true, true, false]);
});

it('has the place of a Job again that was not made, but not of one that was made before', () => {
  const places = placesWith([]);
  const [giveBack] = ['a', 'b', 'c'].map((name) => places.take(model, job(name), 0));
  places.take(model, job('b'), 0)?.();
  giveBack?.();
  const taken = ['d', 'e'].map((name) => places.take(model, job(name), 0) !== undefined);

  expect(taken).toEqual([true, false]);
});

it('forgets a Job that no cache has shown for a minute: it was made and deleted in between', async () => {
  const clock = createFakeClock();
  const places = placesWith([], clock);
  ['a', 'b', 'c'].forEach((name) => places.take(model, job(name), 0));
  await clock.advance(59_000);
  expect(places.take(model, job('d'), 0)).toBeUndefined();

  await clock.advance(1_000);
  const taken = ['d', 'e', 'f', 'g'].map((name) => places.take(model, job(name), 0) !== undefined);
  expect(taken).toEqual([true, true, true, false]);
});
