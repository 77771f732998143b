import { describe, expect, it } from 'vitest';
import { afterSecondTry, failedFiles, vitestTotals } from './vitest-report.ts';

const report = { testResults: [] };
const file = (...statuses: string[]) => ({
  name: `${process.cwd()}/kube/a.test.ts`,
  status: statuses.length > 0 && !statuses.includes('failed') ? 'passed' : 'failed',
  assertionResults: statuses.map((status, index) => ({ status, fullName: `the queue does ${index}` })),
});

describe('vitestTotals', () => {
  it('counts what vitest counts', () => {
    const testResults = [file('failed', 'passed', 'failed', 'skipped')];

    expect(vitestTotals({ testResults }, 1)).toEqual({
      passed: 1,
      failed: 2,
      skipped: 1,
      failures: ['kube/a.test.ts: the queue does 0', 'kube/a.test.ts: the queue does 2'],
      flaky: [],
    });
  });

  it('tells the beginning of why, without colours and stacks', () => {
    const failureMessages = ['\u001B[31mError: no port\u001B[39m\n\n    at file.ts:1:1\n+ 8080', 'another'];
    const failed = { ...file(), assertionResults: [{ status: 'failed', fullName: 'it listens', failureMessages }] };

    const { failures } = vitestTotals({ testResults: [failed] }, 1);

    expect(failures).toEqual(['kube/a.test.ts: it listens\n        Error: no port\n        + 8080']);
  });

  it('counts a file that could not be loaded as one failed test', () => {
    const { failed, failures } = vitestTotals({ testResults: [file()] }, 1);

    expect([failed, failures]).toEqual([1, ['kube/a.test.ts']]);
  });

  it('never calls a run good that ended badly', () => {
    expect(vitestTotals(report, 1).failed).toBe(1);
  });

  it('counts an error that belongs to no test, and keeps its stack, which is all that tells where it came from', () => {
    const { failed, failures } = vitestTotals(report, 1, ['Error: write EPIPE\n    at WriteWrap (node:net:1:1)']);

    expect([failed, failures]).toEqual([
      1,
      ['an error that belongs to no test\n        Error: write EPIPE\n            at WriteWrap (node:net:1:1)'],
    ]);
  });
});

describe('afterSecondTry', () => {
  const other = { ...file('passed', 'passed'), name: `${process.cwd()}/kube/b.test.ts` };
  const first = { testResults: [file('failed', 'passed'), other] };

  it('takes what ran again as it ran then, and the rest as it was', () => {
    const second = { testResults: [file('passed', 'passed')] };

    expect(failedFiles(first)).toEqual([`${process.cwd()}/kube/a.test.ts`]);
    expect(vitestTotals(afterSecondTry(first, second), 0)).toMatchObject({ passed: 4, failed: 0 });
  });

  it('does not lose what only the second try shows', () => {
    const second = { testResults: [file('passed', 'failed')] };

    expect(vitestTotals(afterSecondTry(first, second), 1).failures).toEqual(['kube/a.test.ts: the queue does 1']);
  });
});
