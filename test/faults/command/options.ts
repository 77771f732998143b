import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';

export interface Options {
  readonly all: boolean;
  /** Names of workloads; none: all of them. */
  readonly workload: readonly string[];
  /** Text in the names of plans, or the path of a plan in JSON. */
  readonly plan?: string;
  readonly seed: number;
  /** Runs at a time. */
  readonly jobs: number;
  readonly resume: boolean;
}

type ChosenOptions = Omit<Options, 'all' | 'workload' | 'resume'> & Partial<Options>;

export function parseOptions(args: readonly string[], workloads: readonly string[]): Options {
  const program = new Command('npm run test:faults --')
    .description(
      'Runs the operator against a real API server, behind a proxy that kills it, loses answers and delays what it is told, ' +
        'and checks that the end is the same as without a fault. Ctrl-C ends it with a report of what it has.',
    )
    .option('--all', 'every plan, not the short set')
    .option('--workload <name...>', `only these of ${workloads.join(', ')}`, checkedIn(workloads))
    .option('--plan <text>', 'only the plans with this text in their name, or the plan in this file (*.json)')
    .option('--seed <number>', 'another short set', wholeNumber(0), 0)
    .option('--jobs <number>', 'runs at a time', wholeNumber(1), defaultJobs(availableParallelism()))
    .option('--resume', 'go on where the last one of this commit with the same options stopped')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(--help says what there is)')
    .parse(args, { from: 'user' });
  return { all: false, workload: [], resume: false, ...program.opts<ChosenOptions>() };
}

const EXAMPLES = `
Examples:
  npm run test:faults                                            the short set, a few minutes
  npm run test:faults -- --all                                   the whole matrix, hours
  npm run test:faults -- --all --resume                          the rest of it
  npm run test:faults -- --workload train --plan 'killAfter apply jobs'
`;

/** What a run needs most is a processor for the start of the program, and much of its time is waiting. */
function defaultJobs(processors: number): number {
  return Math.max(2, processors);
}

function checkedIn(workloads: readonly string[]): (name: string, before?: readonly string[]) => readonly string[] {
  return (name, before = []) => {
    if (!workloads.includes(name)) throw new InvalidArgumentError(`There are ${workloads.join(', ')}.`);
    return [...before, name];
  };
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`It is a whole number from ${least} on.`);
    return value;
  };
}

/** What of the matrix is asked for, in words. */
export function selectionOf({ all, workload, plan, seed }: Options): string {
  const plans = plan === undefined ? (all ? 'all' : `the short set, seed ${seed}`) : `those named "${plan}"`;
  return workload.length === 0 ? plans : `${plans}, of ${[...workload].toSorted().join(', ')}`;
}
