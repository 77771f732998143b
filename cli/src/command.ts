import type { Cluster } from './cluster/cluster.ts';
import type { Terminal } from './terminal/terminal.ts';

export interface Flag {
  readonly type: 'boolean' | 'string';
  /** One letter. */
  readonly short?: string;
  /** Stands for the value in help, such as FILE. */
  readonly value?: string;
  /** The only values that are taken. */
  readonly choices?: readonly string[];
  /** May be given more than once. */
  readonly multiple?: boolean;
  readonly about: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What was on the command line of one command. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** The value of a flag; the last one where it was given more than once. */
  text(flag: string): string | undefined;
  texts(flag: string): readonly string[];
  has(flag: string): boolean;
}

/** What a command works with. */
export interface Context {
  readonly terminal: Terminal;
  /** Connects when it is asked for the first time. Throws CliError where there is no cluster to talk to. */
  readonly cluster: () => Cluster;
  readonly now: () => Date;
  /** Aborts when a person presses Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  /** What follows the name, such as `KIND NAME`. */
  readonly usage: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Further paragraphs of its help. */
  readonly details?: string;
  readonly examples: readonly string[];
  readonly flags: Flags;
  /** Resolves with the exit code. Rejects with CliError for what a person has to know. */
  run(args: Arguments, context: Context): Promise<number>;
}
