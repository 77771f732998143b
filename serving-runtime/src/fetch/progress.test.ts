import { expect, it } from 'vitest';
import { describeProgress } from './progress.ts';

it('tells files, bytes, rate and the time that is left', () => {
  const now = { files: 1, totalFiles: 3, bytes: 300, totalBytes: 1000 };
  const expected = { files: '1/3', bytes: 300, totalBytes: 1000, bytesPerSecond: 100, secondsLeft: 7 };
  expect(describeProgress(now, { bytes: 100 }, 2)).toEqual(expected);
});

it('promises no end that it cannot know', () => {
  const now = { files: 0, totalFiles: 1, bytes: 300, totalBytes: undefined };
  expect(describeProgress(now, { bytes: 100 }, 2)).toEqual({ files: '0/1', bytes: 300, bytesPerSecond: 100 });
  expect(describeProgress({ ...now, totalBytes: 900 }, { bytes: 300 }, 2)).not.toHaveProperty('secondsLeft');
  expect(describeProgress(now, { bytes: 900 }, 2)).toMatchObject({ bytesPerSecond: 0 });
});
