import { describe, expect, it } from 'vitest';
import { canaryService, rolloutObject, saying } from '../../testing/rollout-object.ts';
import { decide } from './decide.ts';
import type { Subject, Wish } from './decide.ts';

const goingOn = (more: Partial<Subject> = {}): Subject => ({
  rollout: rolloutObject(),
  service: canaryService('False'),
  newer: undefined,
  ...more,
});
const of = (...parts: Parameters<typeof rolloutObject>) => goingOn({ rollout: rolloutObject(...parts) });
const waiting = of({}, { step: 3, ...saying('WaitingForPromotion') });
const heldBack = of({}, { step: 1, weight: 0, ...saying('PreviouslyRolledBack') });
const aborted = of({ verdict: 'Abort' }, { outcome: 'Aborted' });
const abortedByDeadline = of({}, { outcome: 'Aborted' });
/** Its status is from before somebody tried it again. */
const triedAgain = of({ try: 2 }, { outcome: 'Aborted' }, { generation: 2 });

describe('a verb', () => {
  it.each<[string, Subject, Wish, object]>([
    ['pauses', goingOn(), { verb: 'pause' }, { state: 'Paused' }],
    ['resumes', of({ state: 'Paused' }), { verb: 'resume' }, { state: 'Running' }],
    ['approves the step that waits', waiting, { verb: 'promote' }, { approvedStep: 3 }],
    ['approves a later step', goingOn(), { verb: 'promote', step: 3 }, { approvedStep: 3 }],
    ['promotes in full', goingOn(), { verb: 'promote', full: true }, { verdict: 'Promote' }],
    ['promotes in full what is held back', heldBack, { verb: 'promote', full: true }, { verdict: 'Promote' }],
    ['aborts', goingOn(), { verb: 'abort' }, { verdict: 'Abort' }],
    ['aborts what is being promoted', of({ verdict: 'Promote' }), { verb: 'abort' }, { verdict: 'Abort' }],
    ['tries again', aborted, { verb: 'retry' }, { try: 2, verdict: 'Auto', state: 'Running' }],
    [
      'tries again after a deadline',
      abortedByDeadline,
      { verb: 'retry' },
      { try: 2, verdict: 'Auto', state: 'Running' },
    ],
    ['pauses what was tried again a moment ago', triedAgain, { verb: 'pause' }, { state: 'Paused' }],
  ])('%s', (_, subject, wish, patch) => expect(decide(subject, wish).patch).toEqual(patch));

  it.each<[string, Subject, Wish]>([
    ['flights-7 is paused already.', of({ state: 'Paused' }), { verb: 'pause' }],
    ['flights-7 is not paused.', goingOn(), { verb: 'resume' }],
    ['Step 3 of flights-7 is approved already.', of({ approvedStep: 3 }), { verb: 'promote', step: 2 + 1 }],
    ['flights-7 is being promoted in full already.', of({ verdict: 'Promote' }), { verb: 'promote' }],
    ['flights-7 is promoted already.', of({}, { outcome: 'Promoted' }), { verb: 'promote' }],
    ['flights-7 is aborted already.', aborted, { verb: 'abort' }],
    ['flights-7 is aborted already.', abortedByDeadline, { verb: 'abort' }],
    ['flights-7 goes on already (try 2).', triedAgain, { verb: 'retry' }],
  ])('changes nothing twice: %s', (words, subject, wish) => {
    const { patch, words: said } = decide(subject, wish);

    expect(patch).toBeUndefined();
    expect(said.startsWith(words)).toBe(true);
  });

  it.each<[string, Subject, Wish]>([
    ['flights-7 was aborted.', aborted, { verb: 'pause' }],
    ['flights-7 was aborted.', aborted, { verb: 'promote', full: true }],
    ['flights-7 does not wait for a person: it is at step 2 of 4, 25%.', goingOn(), { verb: 'promote' }],
    ['flights-7 has no step 4 to approve.', goingOn(), { verb: 'promote', step: 4 }],
    [
      'flights-7 is being promoted in full, which a pause does not stop.',
      of({ verdict: 'Promote' }),
      { verb: 'pause' },
    ],
    ['flights-7 waits because the same model was rolled back here before.', heldBack, { verb: 'promote' }],
    ['flights-7 waits because the same model was rolled back here before.', heldBack, { verb: 'retry' }],
    [
      'Nothing is in progress: flights-7 has ended, because the revision that it brought has all requests.',
      of({}, { outcome: 'Promoted' }),
      { verb: 'abort' },
    ],
    [
      'Nothing is in progress: flights-7 has ended, because something else was asked for before it had ended.',
      of({ verdict: 'Abort' }, { outcome: 'Superseded' }),
      { verb: 'retry' },
    ],
    [
      'flights-7 was followed by flights-8, so there is nothing to try again.',
      { ...aborted, newer: 'flights-8' },
      { verb: 'retry' },
    ],
    [
      'flights-7 was aborted, and InferenceService "flights" has not asked for its revision since.',
      { ...aborted, service: canaryService('True', 'UpToDate') },
      { verb: 'retry' },
    ],
  ])('refuses: %s', (words, subject, wish) => {
    expect(() => decide(subject, wish)).toThrow(expect.objectContaining({ name: 'CliError', message: words }));
  });
});

it('tells in one line what is done, and what comes next', () => {
  const said = (subject: Subject, wish: Wish) => decide(subject, wish).words;

  expect(said(goingOn(), { verb: 'pause' })).toBe(
    'flights-7 is paused at step 2 of 4, 25%. It goes on with: slipway rollout resume flights',
  );
  expect(said(waiting, { verb: 'promote' })).toBe(
    'Step 3 of flights-7 is approved. After it the candidate gets all requests.',
  );
  expect(said(goingOn(), { verb: 'promote', step: 2 })).toBe(
    'Step 2 of flights-7 is approved. After it comes step 3 of 4.',
  );
  expect(said(goingOn(), { verb: 'abort' })).toBe(
    'flights-7 is aborted: all requests go back to flights-5b7. To try it again: slipway rollout retry flights',
  );
});
