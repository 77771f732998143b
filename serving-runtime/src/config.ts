/** The command line of the model server; nothing else is read from outside. */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { z } from 'zod';
import { readSettings } from './engine/settings.ts';
import type { GivenSettings } from './engine/settings.ts';
import { FLAGS, TOPICS } from './flags.ts';
import type { Flags } from './flags.ts';

type Schemas = { readonly [Name in keyof Flags]: Flags[Name]['schema'] };

const schemas = Object.fromEntries(Object.entries(FLAGS).map(([name, { schema }]) => [name, schema])) as Schemas;

const Config = z.strictObject({ ...schemas, settings: z.custom<GivenSettings>() });
export type Config = z.infer<typeof Config>;

/** @throws {Error} with sentences that name the flag. `help` when it was asked for. */
export function readConfig(args: readonly string[]): Config | 'help' {
  const names = Object.keys(Config.shape);
  const flags: ParseArgsOptionsConfig = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const options: ParseArgsOptionsConfig = { ...flags, help: { type: 'boolean', short: 'h' } };
  const values: Readonly<Record<string, unknown>> = parseArgs({ args: [...args], options }).values;
  if (values['help'] === true) return 'help';
  if (values['model-repository'] === undefined) throw new Error('--model-repository is missing');
  const parsed = Config.safeParse({ ...values, settings: settingsFlag(values['settings'] as string | undefined) });
  if (!parsed.success)
    throw new Error(parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('\n'));
  checkTogether(parsed.data);
  return parsed.data;
}

/** Flags that mean nothing without another. */
const NEEDS: readonly (readonly [flag: keyof Config, needed: keyof Config])[] = [
  ['tls-cert-file', 'tls-key-file'],
  ['tls-key-file', 'tls-cert-file'],
  ['tls-client-ca-file', 'tls-cert-file'],
  ['jwt-jwks-url', 'jwt-issuer'],
  ['jwt-jwks-url', 'jwt-audience'],
  ['jwt-jwks-file', 'jwt-issuer'],
  ['jwt-jwks-file', 'jwt-audience'],
];

function checkTogether(config: Config): void {
  const lonely = NEEDS.find(([flag, needed]) => config[flag] !== undefined && config[needed] === undefined);
  if (lonely !== undefined) throw new Error(`--${lonely[0]} needs --${lonely[1]}`);
  const hasKeys = config['jwt-jwks-url'] !== undefined || config['jwt-jwks-file'] !== undefined;
  const claim = (['jwt-issuer', 'jwt-audience'] as const).find((flag) => config[flag] !== undefined);
  // Without keys no token would be asked for, whatever it should claim.
  if (claim !== undefined && !hasKeys) throw new Error(`--${claim} needs --jwt-jwks-url or --jwt-jwks-file`);
  if (config['jwt-jwks-url'] !== undefined && config['jwt-jwks-file'] !== undefined)
    throw new Error('give --jwt-jwks-url or --jwt-jwks-file, not both');
  checkPayloads(config);
  if (config['allowed-client-names'].length > 0 && config['tls-client-ca-file'] === undefined)
    throw new Error('--allowed-client-names needs --tls-client-ca-file');
}

function checkPayloads({ 'access-log-payloads': rate, 'access-log-payload-file': file }: Config): void {
  if (rate > 0 && file === undefined) throw new Error('--access-log-payloads needs --access-log-payload-file');
  if (rate === 0 && file !== undefined)
    throw new Error('--access-log-payload-file needs --access-log-payloads, the part of all requests that go there');
}

function settingsFlag(given: string | undefined): GivenSettings {
  const settings = given === undefined ? {} : parsedSettings(given);
  readSettings(settings, '--settings');
  return settings;
}

function parsedSettings(given: string): GivenSettings {
  const text = existsSync(given) ? readFileSync(given, 'utf8') : given;
  try {
    return JSON.parse(text) as GivenSettings;
  } catch {
    throw new Error('--settings is neither a file that exists nor valid JSON');
  }
}

const HELP_COLUMN = 38;

export const USAGE = [
  `usage: node serving-runtime/src/main.ts --model-repository DIR [options]

Serves ONNX models by the Open Inference Protocol v2 over HTTP and gRPC. In brackets: what holds without the flag.
`,
  ...Object.entries(TOPICS).map(([topic, flags]) => `${topic}:\n${Object.entries(flags).map(helpOf).join('')}`),
  `Traces go where OTEL_EXPORTER_OTLP_ENDPOINT and the other variables of OpenTelemetry say (none).
`,
].join('\n');

function helpOf([name, { value, help }]: [string, { readonly value: string; readonly help: string }]): string {
  const [first = '', ...more] = help.split('\n');
  const head = `  --${name} ${value}`;
  const beside =
    head.length < HELP_COLUMN ? [head.padEnd(HELP_COLUMN) + first] : [head, ' '.repeat(HELP_COLUMN) + first];
  return [...beside, ...more.map((line) => ' '.repeat(HELP_COLUMN) + line)].map((line) => `${line}\n`).join('');
}
