/** `npm run test:faults`: many runs of the operator under faults, and a report. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineLine } from '../bench/machine.ts';
import { toRecord } from './command/keep-outcome.ts';
import { toMarkdown } from './command/markdown.ts';
import { parseOptions, selectionOf } from './command/options.ts';
import type { Options } from './command/options.ts';
import { append, lastRecording, startRecording } from './command/record.ts';
import type { PlanRecord, Recording } from './command/record.ts';
import { buildReport } from './command/report.ts';
import { revision } from './command/revision.ts';
import { createScreen } from './command/screen.ts';
import { choosePlans, plansNamed } from './driver/choose-plans.ts';
import type { Plans } from './driver/campaign.ts';
import { runMatrix } from './driver/matrix.ts';
import type { ChosenPlans, Outcome } from './driver/matrix.ts';
import { startOperatorBenches } from './driver/operator-bench.ts';
import { REPORTS } from './driver/run-report.ts';
import type { Workload } from './driver/workload.ts';
import { loadWorkloads } from './driver/workloads.ts';
import type { Plan } from './proxy/plan.ts';

async function main(): Promise<number> {
  const workloads = await loadWorkloads();
  const options = parseOptions(
    process.argv.slice(2),
    workloads.map(({ name }) => name),
  );
  const recording = openRecording(options);
  if (recording === undefined) {
    console.error('No run of this commit with these options was interrupted: leave --resume out.');
    return 2;
  }
  const wanted = workloads.filter(({ name }) => options.workload.length === 0 || options.workload.includes(name));
  const stop = new AbortController();
  const campaign = createCampaign(options, recording);
  const endEarly = () => {
    campaign.end(false);
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort();
      campaign.screen.say('Interrupted: the runs that go on are waited for. Once more does not wait.');
      process.once(signal, endEarly);
    });
  }
  campaign.screen.say(`Starting an API server; then each of ${wanted.length} workloads runs without a fault.`);
  const benches = startOperatorBenches(workloads);
  try {
    const { campaignOf } = benches;
    const { choose, on } = campaign;
    await runMatrix({ workloads: wanted, campaignOf, choose, on, width: options.jobs, signal: stop.signal });
  } finally {
    await benches.stop();
  }
  const { failures, workloads: summaries } = campaign.end(!stop.signal.aborted);
  if (stop.signal.aborted) return 130;
  if (summaries.every(({ plans }) => plans === 0)) {
    console.error(`No plan has "${options.plan}" in its name.`);
    return 2;
  }
  return failures.length === 0 ? 0 : 1;
}

function openRecording(options: Options): Recording | undefined {
  const commit = revision();
  const selection = selectionOf(options);
  if (options.resume) return lastRecording(REPORTS, { commit, selection });
  const startedAt = new Date().toISOString();
  const folder = join(
    REPORTS,
    `${startedAt.slice(0, 19).replaceAll(':', '-')} ${commit.slice(0, 12)}`.replace(' ', '-'),
  );
  return startRecording(folder, { commit, selection, machine: machineLine(), startedAt });
}

/** What happens as the runs go on: the screen, the record, and the report at the end. */
function createCampaign(options: Options, recording: Recording) {
  const { folder, heading } = recording;
  const records: PlanRecord[] = [...recording.records];
  const screen = createScreen(process.stdout, () => performance.now());
  const plans = new Map<string, number>();
  let total = 0;
  let done = 0;
  let startedMs = 0;
  const given = givenPlan(options.plan);

  function isDone(workload: Workload, plan: Plan): boolean {
    return records.some((record) => record.workload === workload.name && record.plan === plan.name);
  }

  function keep(outcome: Outcome): void {
    const record = toRecord(outcome, folder);
    records.push(record);
    append(recording, record);
    if (record.failure === undefined) return;
    screen.say(`FAILED  ${record.workload}: ${record.plan}: ${record.failure.problems[0]?.what ?? ''}`);
  }

  return {
    screen,
    choose(workload: Workload, found: Plans): readonly Plan[] {
      const chosen =
        given ?? (options.plan === undefined ? choosePlans(workload, found, options) : plansNamed(found, options.plan));
      plans.set(workload.name, chosen.length);
      return chosen.filter((plan) => !isDone(workload, plan));
    },
    on: {
      chosen(chosen: readonly ChosenPlans[]) {
        for (const { workload, reference } of chosen) {
          if (reference.run.problems.length === 0) continue;
          plans.set(workload.name, 1);
          if (isDone(workload, reference.run.plan)) continue;
          keep({ first: reference.run, failure: { smallest: reference.run, failed: 1, of: 1 }, runs: 1 });
        }
        total = chosen.reduce((sum, each) => sum + each.plans.length, 0);
        startedMs = performance.now();
        screen.say(`${total} plans, ${options.jobs} at a time.`);
      },
      ended(outcome: Outcome) {
        keep(outcome);
        done++;
        const failed = records.filter(({ failure }) => failure !== undefined).length;
        screen.show({ total, done, failed, elapsedMs: performance.now() - startedMs });
      },
    },
    /** Writes the report, and shows it. */
    end(complete: boolean) {
      screen.end();
      const report = buildReport(heading, records, { plans, endedAt: new Date().toISOString(), complete });
      const markdown = toMarkdown(report);
      writeFileSync(join(folder, 'report.md'), markdown);
      writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
      console.log(`\n${markdown}\nReport: ${join(folder, 'report.md')} (and report.json)`);
      return report;
    },
  };
}

function givenPlan(plan: string | undefined): readonly Plan[] | undefined {
  return plan?.endsWith('.json') === true ? [JSON.parse(readFileSync(plan, 'utf8')) as Plan] : undefined;
}

process.exitCode = await main();
