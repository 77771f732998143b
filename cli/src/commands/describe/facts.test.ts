import { expect, it } from 'vitest';
import { object } from '../../testing/objects.ts';
import { factsOf } from './facts.ts';

it('tells of an alias who signed it, and what it meant before', () => {
  const move = (number: number) => ({ at: `2026-11-0${number}`, modelVersion: `d-${number}`, signature: 'Unverified' });
  const status = {
    by: 'Verified',
    history: [{ ...move(7), by: 'ana', signature: 'Verified' }, ...[6, 5, 4, 3, 2].map(move)],
  };
  const alias = object('ModelAlias', 'd.champion', { modelVersion: { name: 'd-7' }, by: 'ana' }, { status });

  expect(factsOf(alias)).toEqual([
    ['Means', 'd-7'],
    ['Signed by', 'ana (Verified)'],
    ['History', '2026-11-07  d-7  by ana (Verified)'],
    ['', '2026-11-06  d-6  by nobody'],
    ['', '2026-11-05  d-5  by nobody'],
    ['', '2026-11-04  d-4  by nobody'],
    ['', '2026-11-03  d-3  by nobody'],
  ]);
});

it('tells of an Approval what was decided, by whom, and why', () => {
  const spec = { modelVersion: { name: 'd-7' }, decision: 'Rejected', by: 'ana', reason: 'Unfair.' };

  expect(factsOf(object('Approval', 'd-7.ana', spec, { status: {} }))).toEqual([
    ['Decision', 'Rejected'],
    ['Signed by', 'ana (not looked at yet)'],
    ['Why', 'Unfair.'],
  ]);
});
