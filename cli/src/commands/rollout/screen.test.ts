import { describe, expect, it } from 'vitest';
import { canaryService, rolloutObject, saying } from '../../testing/rollout-object.ts';
import { condition } from '../../testing/objects.ts';
import { plain } from '../../terminal/style.ts';
import { renderTable } from '../../terminal/table.ts';
import type { Subject } from './decide.ts';
import { historyTable, statusLines } from './screen.ts';
import { exitCode } from './watch.ts';

const now = new Date('2026-11-23T11:30:00Z');
const versions = new Map([['flights-9c1', 'delay-2']]);
const view = { paint: plain, width: undefined, now };
const screen = (rollout: Subject['rollout'], more: Partial<Subject> = {}) =>
  statusLines({ rollout, service: canaryService('False'), newer: undefined, versions, ...more }, view);

describe('the screen of a rollout', () => {
  it('tells where it is, and what comes next', () => {
    expect(screen(rolloutObject()).join('\n')).toBe(`flights-7 of InferenceService flights, begun 30m ago by SpecChange
  From       flights-5b7
  To         delay-2 (flights-9c1)
  Strategy   Canary
  State      Running
  Step       2 of 4
  Weight     25% asked, 25% at every gateway
  Deadline   24h after its beginning, without pauses: Abort
  Reason     RolloutInProgress: RolloutInProgress it is.

Steps
  ✓ 1  copies of 20%, 2m at least
  ▸ 2  25%, 10m at least
  · 3  50%, until a person promotes it
  · 4  all requests

Next
  Step 3, 50%, until a person promotes it, when step 2 is over.`);
  });

  it.each([
    ['the gateways', rolloutObject({}, { observedWeight: undefined }), 'asked, not every gateway goes by it yet'],
    ['a person', rolloutObject({}, { step: 3 }), 'when somebody says: slipway rollout promote flights'],
    [
      'a person no longer',
      rolloutObject({ approvedStep: 3 }, { step: 3 }),
      'Step 4, all requests, when step 3 is over.',
    ],
    [
      'somebody who resumes it',
      rolloutObject({ state: 'Paused' }),
      'until it is resumed: slipway rollout resume flights',
    ],
    ['its pods', rolloutObject({ verdict: 'Promote' }), 'All requests, when all its pods answer.'],
    ['another word', rolloutObject({}, saying('PreviouslyRolledBack')), 'slipway rollout promote flights --full'],
    ['its end', rolloutObject({}, { step: 4 }), 'It ends when every gateway gives it all requests.'],
    ['a retry', rolloutObject({ verdict: 'Abort' }, { outcome: 'Aborted' }), '✗ 2  25%'],
    ['the operator', rolloutObject({ try: 2 }, {}, { generation: 2 }), 'NotObserved: '],
  ])('waits for %s', (_, rollout, words) => expect(screen(rollout).join('\n')).toContain(words));

  it('has no steps and nothing next where it has ended', () => {
    const lines = screen(rolloutObject({}, { step: 4, outcome: 'Promoted' }));

    expect(lines).not.toContain('Steps');
    expect(lines).not.toContain('Next');
  });

  it('is cut nowhere, but wrapped', () => {
    const long = condition('Ready', 'True', 'RolloutInProgress', 'word '.repeat(40).trim());
    const lines = statusLines(
      { rollout: rolloutObject({}, { conditions: [long] }), service: undefined, newer: undefined, versions },
      { ...view, width: 60 },
    );

    expect(lines.join(' ').match(/word/g)).toHaveLength(40);
    expect(Math.max(...lines.filter((line) => line.includes('word')).map((line) => line.length))).toBeLessThanOrEqual(
      60,
    );
  });
});

it('tells of each rollout how it ended, and why', () => {
  const refused = condition('Ready', 'False', 'RolloutAborted', 'It was aborted: errors 3.1 % > 1 %.');
  const history = [{ at: '2026-11-23T11:20:00Z', what: 'RolloutAborted', why: '' }];
  const rollouts = [
    rolloutObject(),
    rolloutObject({}, { outcome: 'Aborted', conditions: [refused], history }, { name: 'flights-6' }),
  ];
  const table = historyTable(rollouts, { versions, now, ofOneService: true });

  expect(renderTable(table, { width: undefined })).toBe(
    `NUMBER   CAUSE        FROM          TO        OUTCOME   WHEN   WHY
7        SpecChange   flights-5b7   delay-2   Running   30m    RolloutInProgress it is.
6        SpecChange   flights-5b7   delay-2   Aborted   10m    It was aborted: errors 3.1 % > 1 %.
`,
  );
});

describe('watching a rollout', () => {
  const code = (rollout: Subject['rollout'], service: Subject['service'], isNamed = false) =>
    exitCode({ rollout, service, newer: undefined }, { isNamed });
  const promoted = rolloutObject({}, { outcome: 'Promoted' });
  const aborted = rolloutObject({ verdict: 'Abort' }, { outcome: 'Aborted' });

  it('goes on while the rollout does', () => {
    expect(code(rolloutObject(), canaryService('False'))).toBeUndefined();
  });

  it('ends with 0 where it was promoted, and 1 where it was not', () => {
    expect(code(promoted, canaryService('True', 'UpToDate'))).toBe(0);
    expect(code(aborted, canaryService('False', 'RolloutAborted'))).toBe(1);
    expect(code(rolloutObject({}, { outcome: 'Superseded' }), canaryService('False'), true)).toBe(1);
  });

  it('takes the rollout of a change before for no answer', () => {
    expect(code(promoted, canaryService('False', 'ModelVersionNotReady'))).toBeUndefined();
    const changed = canaryService('True', 'UpToDate');
    expect(code(promoted, { ...changed, metadata: { ...changed.metadata, generation: 2 } })).toBeUndefined();
  });
});
