/** The process: the one reader of its environment, and what turns every outcome into text and an exit code. */
import { text } from 'node:stream/consumers';
import { runSlipway } from './run.ts';
import { coloured, plain, wantsColour } from './terminal/style.ts';
import type { ColourFacts } from './terminal/style.ts';
import type { Terminal } from './terminal/terminal.ts';

const { env, stdout, stderr, stdin } = process;
const interrupted = new AbortController();
process.once('SIGINT', () => {
  interrupted.abort();
  // The second one ends even what does not listen.
  process.once('SIGINT', () => process.exit(130));
});
// Whoever reads us, such as `head`, may have enough.
stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') process.exit(0);
  throw cause;
});

const colours = (isTerminal: boolean): ColourFacts => ({
  isTerminal,
  noColor: env['NO_COLOR'],
  forceColor: env['FORCE_COLOR'],
  term: env['TERM'],
});

const terminal: Terminal = {
  write: (words) => void stdout.write(words),
  note: (words) => void stderr.write(words),
  paint: wantsColour(colours(stdout.isTTY)) ? coloured : plain,
  width: stdout.isTTY ? stdout.columns : undefined,
  readInput: () => text(stdin),
};

const code = await runSlipway(process.argv.slice(2), {
  terminal,
  paintErrors: wantsColour(colours(stderr.isTTY)) ? coloured : plain,
  now: () => new Date(),
  signal: interrupted.signal,
});
process.exitCode = code;
