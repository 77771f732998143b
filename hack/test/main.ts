/** `npm test`: runs every level that this machine can run and ends with one line of totals. */
import { LEVELS, thisMachine } from './levels.ts';
import type { Level } from './levels.ts';
import { runLevel } from './run-level.ts';
import { add, NOTHING, oneFailure, totalsLine } from './totals.ts';
import type { Totals } from './totals.ts';

const USAGE = `usage: npm test [-- LEVEL … | --ci]

Without arguments: every level that this machine can run, but for the demo.
--ci: with the demo; fails where a required level cannot run; starts no level after 70 minutes;
      a few failed files run once more, and what passes then is named FLAKY.

${LEVELS.map((level) => `  ${level.name.padEnd(12)} ${level.about}`).join('\n')}`;

/** CI ends a run after 90 minutes; a level that starts by then still has time to finish. */
const LAST_START_MS = 70 * 60_000;

async function main(args: readonly string[]): Promise<number> {
  const ci = args.includes('--ci');
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = names.filter((name) => !LEVELS.some((level) => level.name === name));
  if (args.includes('--help') || unknown.length > 0) {
    console.log(unknown.length > 0 ? `no such level: ${unknown.join(', ')}\n\n${USAGE}` : USAGE);
    return unknown.length > 0 ? 2 : 0;
  }
  const wanted = LEVELS.filter((level) =>
    names.length > 0 ? names.includes(level.name) : ci || level.name !== 'demo',
  );
  const { totals, notes } = await runLevels(wanted, ci);
  const failures = totals.failures.map((name) => `FAILED  ${name}`);
  const flaky = totals.flaky.map((name) => `FLAKY   ${name}`);
  const named = [...flaky, ...failures];
  console.log(['', ...notes, '', ...named, ...(named.length > 0 ? [''] : []), totalsLine(totals)].join('\n'));
  return totals.failed === 0 ? 0 : 1;
}

async function runLevels(levels: readonly Level[], ci: boolean): Promise<{ totals: Totals; notes: string[] }> {
  const started = Date.now();
  const machine = thisMachine(process.env);
  const notes: string[] = [];
  let totals = NOTHING;
  for (const level of levels) {
    const late = ci && Date.now() - started > LAST_START_MS ? 'no time left' : undefined;
    const obstacle = late ?? level.obstacle(machine);
    const begun = Date.now();
    const result = obstacle === undefined ? await announceAndRun(level, ci) : skipped(level, ci);
    const seconds = Math.round((Date.now() - begun) / 1000);
    notes.push(
      obstacle === undefined ? summary(level, result, seconds) : `${level.name.padEnd(12)} skipped: ${obstacle}`,
    );
    totals = add(totals, result);
  }
  return { totals, notes };
}

function announceAndRun(level: Level, ci: boolean): Promise<Totals> {
  console.log(`\n── ${level.name}: ${level.about}`);
  return runLevel(level.name, ci && level.neverTwice !== true);
}

function skipped(level: Level, ci: boolean): Totals {
  return ci && level.required ? oneFailure(`${level.name} did not run`) : { ...NOTHING, skipped: 1 };
}

function summary(level: Level, totals: Totals, seconds: number): string {
  return `${level.name.padEnd(12)} ${totalsLine(totals)} in ${seconds} s`;
}

process.exitCode = await main(process.argv.slice(2));
