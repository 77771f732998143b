import { Argument, Command, InvalidArgumentError } from 'commander';

export interface Options {
  /** Of benches; none: all of them. */
  readonly names: readonly string[];
  readonly large: boolean;
  readonly profile: boolean;
  readonly rounds: number;
}

/** What a bench is, in a few words, by its name. */
export type Abouts = Readonly<Record<string, string>>;

/** Ends the process with the usage when that is asked for, and with an error for what there is not. */
export function parseOptions(args: readonly string[], abouts: Abouts): Options {
  const program = new Command('npm run bench --')
    .description('Prints figures, with the machine that gave them; asserts nothing. Without a name: every bench.')
    .addArgument(new Argument('[name...]', 'only these').argParser(checkedIn(Object.keys(abouts))))
    .option('--large', 'runtime: fill caches with 50,000 objects, too (some minutes more)')
    .option('--rounds <number>', 'runtime: reconcile so often, by turns; the median counts', roundsFrom, 1)
    .option('--profile', 'runtime: leave CPU profiles of what runs on Node in the temporary folder')
    .addHelpText('after', `\nBenches:\n${toLines(abouts)}\n${EXAMPLES}`)
    .showHelpAfterError('(--help says what there is)')
    .parse(args, { from: 'user' });
  const [names = []] = program.processedArgs as [(readonly string[])?];
  return { names, large: false, profile: false, ...program.opts<Pick<Options, 'rounds'> & Partial<Options>>() };
}

const EXAMPLES = `
Examples:
  npm run bench -- serving                  how many predictions a second
  npm run bench -- runtime --large          our controller runtime beside others, half an hour
  npm run bench -- operator runtime         one after the other
`;

function roundsFrom(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return rounds;
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
