/** The command line of the gateway. Where the API server is says a kubeconfig, or the pod's service account. */
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { z } from 'zod';
import { FLAGS, TOPICS } from './flags.ts';
import type { Flags } from './flags.ts';

type Schemas = { readonly [Name in keyof Flags]: Flags[Name]['schema'] };

const schemas = Object.fromEntries(Object.entries(FLAGS).map(([name, { schema }]) => [name, schema])) as Schemas;

const Config = z.strictObject(schemas);
export type Config = z.infer<typeof Config>;

/** @throws {Error} with sentences that name the flag. `help` when it was asked for. */
export function readConfig(args: readonly string[]): Config | 'help' {
  const names = Object.keys(FLAGS);
  const flags: ParseArgsOptionsConfig = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const options: ParseArgsOptionsConfig = { ...flags, help: { type: 'boolean', short: 'h' } };
  const { help, ...values }: Readonly<Record<string, unknown>> = parseArgs({ args: [...args], options }).values;
  if (help === true) return 'help';
  const parsed = Config.safeParse(values);
  if (parsed.success) return together(parsed.data);
  throw new Error(parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('\n'));
}

/** Flags that mean nothing without another. */
const NEEDS = [
  ['tls-cert-file', 'tls-key-file'],
  ['tls-key-file', 'tls-cert-file'],
  ['tls-client-ca-file', 'tls-cert-file'],
] as const;

function together(config: Config): Config {
  const lonely = NEEDS.find(([given, needed]) => config[given] !== undefined && config[needed] === undefined);
  if (lonely !== undefined) throw new Error(`--${lonely[0]} needs --${lonely[1]}`);
  return config;
}

const HELP_COLUMN = 38;

export const USAGE = [
  `usage: node gateway/src/main.ts [options]

Hands requests to the model servers that TrafficRoutes name, by their weights. In brackets: what holds without the flag.
Routes come from the API server: of the pod's service account, elsewhere of $KUBECONFIG.
`,
  ...Object.entries(TOPICS).map(([topic, flags]) => `${topic}:\n${Object.entries(flags).map(helpOf).join('')}`),
].join('\n');

function helpOf([name, { value, help }]: [string, { readonly value: string; readonly help: string }]): string {
  const [first = '', ...more] = help.split('\n');
  const head = `  --${name} ${value}`;
  const beside =
    head.length < HELP_COLUMN ? [head.padEnd(HELP_COLUMN) + first] : [head, ' '.repeat(HELP_COLUMN) + first];
  return [...beside, ...more.map((line) => ' '.repeat(HELP_COLUMN) + line)].map((line) => `${line}\n`).join('');
}
