import { connect } from './cluster/cluster.ts';
import type { Cluster } from './cluster/cluster.ts';
import { explainError } from './cluster/explain-error.ts';
import type { Arguments, Command } from './command.ts';
import { COMMANDS } from './commands/commands.ts';
import { didYouMean } from './did-you-mean.ts';
import { UsageError } from './errors.ts';
import { CLUSTER_FLAGS, COMMON_FLAGS, commandHelp, overview } from './help.ts';
import { parseArguments } from './parse-arguments.ts';
import type { Paint } from './terminal/style.ts';
import type { Terminal } from './terminal/terminal.ts';
import { slipwayVersion } from './version.ts';

export interface Surroundings {
  readonly terminal: Terminal;
  /** For stderr, which may be a terminal where stdout is none. */
  readonly paintErrors: Paint;
  readonly now: () => Date;
  /** Aborts when a person presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Runs one command line, errors included. Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runSlipway(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { terminal, paintErrors, signal } = surroundings;
  let cluster: Cluster | undefined;
  const connectOnce = (parsed: Arguments) => {
    cluster ??= connect({
      kubeconfig: parsed.text('kubeconfig'),
      context: parsed.text('context'),
      namespace: parsed.text('namespace'),
    });
    return cluster;
  };
  try {
    return await dispatch(args, surroundings, connectOnce);
  } catch (cause) {
    // A person who pressed Ctrl-C knows why it ended.
    if (signal.aborted) return 130;
    const { message, hint, exitCode } = explainError(cause, cluster);
    terminal.note(`${paintErrors('red', 'error:')} ${message}\n  ${hint}\n`);
    return exitCode;
  } finally {
    await cluster?.client.close();
  }
}

async function dispatch(
  args: readonly string[],
  { terminal, now, signal }: Surroundings,
  connectOnce: (parsed: Arguments) => Cluster,
): Promise<number> {
  const { before, name, after } = splitAtCommand(args);
  if (name === undefined) {
    const asked = parseArguments(
      '',
      { ...CLUSTER_FLAGS, ...COMMON_FLAGS, version: { type: 'boolean', about: '' } },
      before,
    );
    terminal.write(asked.has('version') ? `slipway ${slipwayVersion}\n` : overview(COMMANDS, terminal.paint));
    return asked.has('version') || asked.has('help') ? 0 : 2;
  }
  if (name === 'help') return help(after, terminal);
  const command = commandNamed(name);
  const parsed = parseArguments(name, { ...command.flags, ...COMMON_FLAGS }, [...before, ...after]);
  if (parsed.has('help')) {
    terminal.write(commandHelp(command, terminal.paint));
    return 0;
  }
  return command.run(parsed, { terminal, now, signal, cluster: () => connectOnce(parsed) });
}

function help([name]: readonly string[], terminal: Terminal): number {
  terminal.write(
    name === undefined ? overview(COMMANDS, terminal.paint) : commandHelp(commandNamed(name), terminal.paint),
  );
  return 0;
}

function commandNamed(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = COMMANDS.map((command) => command.name);
  const meant = didYouMean(name, names);
  const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  throw new UsageError(
    `slipway has no command "${name}".${suggestion}`,
    `It has: ${names.join(', ')}. See: slipway --help`,
  );
}

interface SplitLine {
  /** Flags in front of the command, as in `slipway -n team get`. */
  readonly before: readonly string[];
  readonly name: string | undefined;
  readonly after: readonly string[];
}

function splitAtCommand(args: readonly string[]): SplitLine {
  let index = 0;
  while (args[index]?.startsWith('-') === true) index += takesNextWord(args[index] ?? '') ? 2 : 1;
  return { before: args.slice(0, index), name: args[index], after: args.slice(index + 1) };
}

function takesNextWord(flag: string): boolean {
  return Object.entries(CLUSTER_FLAGS).some(([name, { short }]) => flag === `--${name}` || flag === `-${short ?? ''}`);
}
