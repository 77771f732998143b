import { describe, expect, it } from 'vitest';
import { rolloutObject } from '../../testing/rollout-object.ts';
import { undoTarget } from './undo.ts';

const versions = new Map([
  ['flights-5b7', 'delay-1'],
  ['flights-9c1', 'delay-2'],
]);
const flights = { service: 'flights', to: undefined };
const promoted = rolloutObject({}, { outcome: 'Promoted' });
const aborted = rolloutObject({ verdict: 'Abort' }, { outcome: 'Aborted' });
const withdrawn = rolloutObject({}, { outcome: 'Withdrawn' });
const undone = rolloutObject({ cause: 'Undo', to: { revision: 'flights-5b7' } }, { outcome: 'Promoted' });

describe('undoTarget', () => {
  it.each([
    ['what served before the last change', [promoted], 'flights-5b7'],
    ['what serves while a change goes on', [rolloutObject()], 'flights-5b7'],
    ['what served before one that came to nothing', [withdrawn, promoted], 'flights-5b7'],
  ])('is %s', (_, rollouts, to) => expect(undoTarget(flights, { rollouts, versions })).toEqual({ to }));

  it('is what a person names, also where nobody may read revisions', () => {
    const named = { ...flights, to: 'flights-9c1' };
    expect(undoTarget(named, { rollouts: [], versions })).toEqual({ to: 'flights-9c1' });
    expect(undoTarget({ ...flights, to: 'any' }, { rollouts: [], versions: new Map() })).toEqual({ to: 'any' });
  });

  it.each([
    ['flights-7 goes back to flights-5b7 already', [undone, promoted]],
    ['flights-7, the last change, was aborted already', [aborted, promoted]],
  ])('is nothing where %s', (words, rollouts) => {
    expect(undoTarget(flights, { rollouts, versions })).toMatchObject({ already: expect.stringContaining(words) });
  });

  it('has words for what is not there', () => {
    expect(() => undoTarget(flights, { rollouts: [], versions })).toThrow('has no earlier revision');
    const gone = { ...flights, to: 'flights-000' };
    expect(() => undoTarget(gone, { rollouts: [], versions })).toThrow('has no revision "flights-000" any more');
  });
});
