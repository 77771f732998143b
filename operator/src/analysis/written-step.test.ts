/** What was written of a step counts for that step of that try, and for no other. */
import { expect, it } from 'vitest';
import { NOTHING_OBSERVED } from './analysis-state.ts';
import { formatStep, parseStep } from './written-step.ts';

const STEP = { try: 2, step: 1 };
const WRITTEN = formatStep(STEP, NOTHING_OBSERVED);

it('is read as it was written', () => expect(parseStep(WRITTEN, STEP)).toEqual(NOTHING_OBSERVED));

it.each([
  ['another step', WRITTEN, { try: 2, step: 2 }],
  ['another try', WRITTEN, { try: 1, step: 1 }],
  ['nothing', undefined, STEP],
  ['what a person wrote', 'all is well', STEP],
  ['a state of another operator', JSON.stringify({ ...STEP, state: '{"version":2}' }), STEP],
])('%s says nothing of it', (_, text, step) => expect(parseStep(text, step)).toBeUndefined());
