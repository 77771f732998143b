import { expect, it } from 'vitest';
import { wantsColour } from './style.ts';

const none = { noColor: undefined, forceColor: undefined, term: 'xterm' };

it('colours a terminal, and nothing else', () => {
  expect(wantsColour({ ...none, isTerminal: true })).toBe(true);
  expect(wantsColour({ ...none, isTerminal: false })).toBe(false);
  expect(wantsColour({ ...none, isTerminal: true, term: 'dumb' })).toBe(false);
});

it('does what NO_COLOR and FORCE_COLOR ask for, the first before the second', () => {
  expect(wantsColour({ ...none, isTerminal: true, noColor: '1' })).toBe(false);
  expect(wantsColour({ ...none, isTerminal: true, noColor: '' })).toBe(true);
  expect(wantsColour({ ...none, isTerminal: false, forceColor: '1' })).toBe(true);
  expect(wantsColour({ ...none, isTerminal: true, noColor: '1', forceColor: '1' })).toBe(false);
});
