/** A report in Markdown, which a terminal shows well enough as it is. Pure. */
import { howOften } from './report.ts';
import type { Failure, Report, WorkloadSummary } from './report.ts';

export function toMarkdown(report: Report): string {
  const { commit, machine, startedAt, endedAt, selection, complete, workloads, failures } = report;
  const missed = workloads.flatMap(({ workload, neverStruck }) => neverStruck.map((plan) => `- ${workload}: ${plan}`));
  const sections = [
    `# Faults: ${verdict(report)}`,
    [
      `- commit: ${commit}`,
      `- machine: ${machine}`,
      `- from ${startedAt} to ${endedAt}`,
      `- plans: ${selection}${complete ? '' : '; interrupted, `--resume` goes on'}`,
    ].join('\n'),
    table([['workload', 'plans', 'tried', 'runs', 'never struck', 'failed', 'by', 's each'], ...workloads.map(row)]),
    ...failures.map(failureSection),
    ...(missed.length > 0
      ? ['## Never struck\nTheir moment did not come, so they have shown nothing.', missed.join('\n')]
      : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function verdict({ failures, complete, workloads }: Report): string {
  const tried = workloads.reduce((sum, each) => sum + each.tried, 0);
  const told = failures.length === 0 ? `all ${tried} plans end well` : `${failures.length} of ${tried} plans fail`;
  return complete ? told : `${told} so far`;
}

function row(summary: WorkloadSummary): string[] {
  const { workload, plans, tried, runs, neverStruck, failures, oracles, meanSeconds } = summary;
  const by = Object.entries(oracles).map(([oracle, count]) => `${oracle} ${count}`);
  return [
    workload,
    ...[plans, tried, runs, neverStruck.length, failures].map(String),
    by.join(', ') || '-',
    String(meanSeconds),
  ];
}

/** Columns of one width each. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(line)].join('\n');
}

function failureSection(failure: Failure): string {
  const { workload, plan, smallest, problems, reportPath, command } = failure;
  return [
    `## ${workload}: ${plan}`,
    `Fails ${howOften(failure)}${smallest.name === plan ? '' : `; the smallest plan that does: ${smallest.name}`}.`,
    '',
    ...problems.map(({ oracle, what }) => `- ${oracle}: ${what}`),
    '',
    `    ${command}`,
    '',
    `Journal and log: ${reportPath}`,
  ].join('\n');
}
