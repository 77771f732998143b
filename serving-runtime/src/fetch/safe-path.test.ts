import { expect, it } from 'vitest';
import { safePath } from './safe-path.ts';

it.each(['model.onnx', 'a/b/c', '...', 'model..1', '.hidden', 'ümlaut & space', '-rf'])('takes %j', (name) => {
  expect(safePath(name)).toBe(name);
});

it.each([
  '',
  '.',
  '..',
  '/',
  '/etc/passwd',
  'a/',
  'a//b',
  '../a',
  'a/..',
  'a/../b',
  'a\\b',
  'C:\\a',
  'a\0b',
  'a\nb',
  '\ud800',
  'x'.repeat(256),
  'x/'.repeat(40) + 'x',
  `${'x'.repeat(200)}/`.repeat(6) + 'x',
])('refuses %j', (name) => {
  expect(() => safePath(name)).toThrow('The source has a file whose path');
});
