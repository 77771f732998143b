import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { toMarkdown } from './markdown.ts';
import { append, lastRecording, readRecording, startRecording } from './record.ts';
import type { PlanRecord } from './record.ts';
import { buildReport } from './report.ts';

const heading = { commit: 'abc', machine: '2 × processor', startedAt: '2026-01-01T00:00:00.000Z', selection: 'all' };
const good: PlanRecord = { workload: 'serve', plan: 'killAfter a', runs: 1, seconds: 8, struck: true };
const missed: PlanRecord = { ...good, plan: 'killAfter b', seconds: 10, struck: false };
const bad: PlanRecord = {
  ...good,
  plan: 'lag a, smallPages a',
  runs: 4,
  failure: {
    smallest: { name: 'lag a', faults: [] },
    problems: [
      { oracle: 'rest', what: 'train: it was written' },
      { oracle: 'rest', what: 'train: and again' },
    ],
    failed: 1,
    of: 3,
    reportPath: '/reports/lag.txt',
    command: "npm run test:faults -- --plan '/reports/lag.json'",
  },
};
const end = { plans: new Map([['serve', 3]]), endedAt: '2026-01-01T01:00:00.000Z', complete: true };

it('counts by workload, and an oracle once a plan', () => {
  const { workloads, complete } = buildReport(heading, [good, missed, bad], end);

  expect(complete).toBe(true);
  expect(workloads).toEqual([
    {
      workload: 'serve',
      plans: 3,
      tried: 3,
      runs: 6,
      neverStruck: ['killAfter b'],
      failures: 1,
      oracles: { rest: 1 },
      meanSeconds: 8.7,
    },
  ]);
});

it('tells a person the smallest plan, how often it fails, and what replays it', () => {
  const text = toMarkdown(buildReport(heading, [good, missed, bad], end));

  expect(text).toContain('# Faults: 1 of 3 plans fail\n');
  expect(text).toContain('Fails 1 of 3 times; the smallest plan that does: lag a.');
  expect(text).toContain("\n    npm run test:faults -- --plan '/reports/lag.json'\n");
  expect(text).toContain('| serve    | 3     | 3     | 6    | 1            | 1      | rest 1 | 8.7    |');
});

it('does not say that all is well where the runs were interrupted', () => {
  expect(toMarkdown(buildReport(heading, [good], { ...end, plans: new Map(), complete: false }))).toContain(
    '# Faults: all 1 plans end well so far\n',
  );
});

function reportsFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-record-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

it('what was kept is read again, without the line that was cut', () => {
  const folder = join(reportsFolder(), 'one');
  append(startRecording(folder, heading), good);
  appendFileSync(join(folder, 'results.jsonl'), '{"workload":"se');

  expect(readRecording(folder)).toEqual({ folder, heading, records: [good] });
});

it('goes on with the newest of the same commit and selection', () => {
  const reports = reportsFolder();
  const later = { ...heading, startedAt: '2026-01-02T00:00:00.000Z' };
  startRecording(join(reports, 'b'), later);
  startRecording(join(reports, 'a'), heading);
  startRecording(join(reports, 'c'), { ...later, commit: 'other' });

  expect(lastRecording(reports, heading)?.heading).toEqual(later);
  expect(lastRecording(reports, { ...heading, selection: 'the short set' })).toBeUndefined();
});
