import { Argument, Command, InvalidArgumentError } from 'commander';

export interface Options {
  /** Of benches; none: all of them. */
  readonly names: readonly string[];
  readonly large: boolean;
  readonly profile: boolean;
  readonly rounds: number;
  /** Of the table of `serving`; undefined: those that take no more than a minute each. */
  readonly rows: readonly number[] | undefined;
  readonly minutes: number;
}

/** What a bench is, in a few words, by its name. */
export type Abouts = Readonly<Record<string, string>>;

/** Ends the process with the usage when that is asked for, and with an error for what there is not. */
export function parseOptions(args: readonly string[], abouts: Abouts): Options {
  const program = new Command('npm run bench --')
    .description('Prints figures, with the machine that gave them; asserts nothing. Without a name: every bench.')
    .addArgument(new Argument('[name...]', 'only these').argParser(checkedIn(Object.keys(abouts))))
    .option('--large', 'runtime: fill caches with 50,000 objects, too (some minutes more)')
    .option('--rounds <number>', 'runtime: reconcile so often, by turns; the median counts', wholeNumberFrom, 1)
    .option('--rows <numbers>', 'serving: only these rows of its table, such as 3,4', rowsFrom)
    .option('--minutes <number>', 'serving: how long row 11 goes on', wholeNumberFrom, 60)
    .option('--profile', 'runtime: leave CPU profiles of what runs on Node in the temporary folder')
    .addHelpText('after', `\nBenches:\n${toLines(abouts)}\n${EXAMPLES}`)
    .showHelpAfterError('(--help says what there is)')
    .parse(args, { from: 'user' });
  const [names = []] = program.processedArgs as [(readonly string[])?];
  const given = program.opts<Pick<Options, 'rounds' | 'minutes'> & Partial<Options>>();
  return { names, large: false, profile: false, rows: undefined, ...given };
}

const EXAMPLES = `
Examples:
  npm run bench -- serving --rows 1,8       what a gRPC call costs, how long one request takes
  npm run bench -- runtime --large          our controller runtime beside others, half an hour
  npm run bench -- operator runtime         one after the other
`;

function wholeNumberFrom(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return number;
}

function rowsFrom(text: string): readonly number[] {
  return text.split(',').map(wholeNumberFrom);
}

function toLines(abouts: Abouts): string {
  const width = Math.max(...Object.keys(abouts).map((name) => name.length));
  return Object.entries(abouts)
    .map(([name, about]) => `  ${name.padEnd(width)}  ${about}`)
    .join('\n');
}

function checkedIn(known: readonly string[]): (name: string, before?: readonly string[]) => readonly string[] {
  return (name, before = []) => {
    if (!known.includes(name)) throw new InvalidArgumentError(`There are ${known.join(', ')}.`);
    return [...before, name];
  };
}
