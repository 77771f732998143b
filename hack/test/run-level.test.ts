import { describe, expect, it } from 'vitest';
import { vitestTotals } from './run-level.ts';

const report = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, numTodoTests: 0, testResults: [] };

describe('vitestTotals', () => {
  it('counts what vitest counts', () => {
    expect(vitestTotals({ ...report, numFailedTests: 2 }, 1)).toEqual({ passed: 3, failed: 2, skipped: 1 });
  });

  it('counts a file that could not be loaded as one failed test', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];

    expect(vitestTotals({ ...report, testResults }, 1).failed).toBe(1);
  });

  it('does not count a file twice when its tests failed', () => {
    const testResults = [{ status: 'failed', assertionResults: [{ status: 'failed' }] }];

    expect(vitestTotals({ ...report, numFailedTests: 1, testResults }, 1).failed).toBe(1);
  });

  it('never calls a run good that ended badly', () => {
    expect(vitestTotals(report, 1).failed).toBe(1);
  });
});
