/** Where settings come from: flags, the environment, a file. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadAll } from 'js-yaml';
import { flagOf, SETTING_NAMES, variableOf } from './settings.ts';

/** A setting is missing or wrong; the message names every one. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** What was given for a setting, and how a person finds the place. */
export interface Given {
  readonly value: unknown;
  readonly place: string;
}

export type Source = ReadonlyMap<string, Given>;

export interface CommandLine {
  readonly settings: Source;
  readonly config: string | undefined;
  readonly asks: 'help' | 'version' | undefined;
}

/** @throws ConfigError at a flag that there is not, or one without its value. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const known = new Map(SETTING_NAMES.map((name) => [flagOf(name).slice(2), name] as const));
  const valued = Object.fromEntries([...known.keys(), 'config'].map((flag) => [flag, { type: 'string' as const }]));
  const options = { ...valued, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const;
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const settings = new Map<string, Given>();
  let config: string | undefined;
  let asks: CommandLine['asks'];
  for (const token of tokens) {
    if (token.kind === 'positional') throw new ConfigError(`"${token.value}" is no flag. --help lists them.`);
    if (token.kind === 'option-terminator') continue;
    const { name, rawName, value } = token;
    if (name === 'help' || name === 'version') {
      asks = name;
      continue;
    }
    const setting = known.get(name);
    if (setting === undefined && name !== 'config')
      throw new ConfigError(`There is no ${rawName}. --help lists all flags.`);
    if (value === undefined) throw new ConfigError(`${rawName} needs a value after it.`);
    if (setting === undefined) config = value;
    else settings.set(setting, { value, place: rawName });
  }
  return { settings, config, asks };
}

/** An empty variable counts as absent. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Source {
  const given = new Map<string, Given>();
  for (const name of SETTING_NAMES) {
    const value = environment[variableOf(name)];
    if (value !== undefined && value !== '') given.set(name, { value, place: variableOf(name) });
  }
  return given;
}

/** @throws ConfigError when the file cannot be read, is no YAML mapping, or has a key that is no setting. */
export function readConfigFile(path: string): Source {
  const content = parse(path, readText(path)) ?? {};
  if (typeof content !== 'object' || Array.isArray(content))
    throw new ConfigError(`${path} must hold settings, one a line, such as "logLevel: debug".`);
  const names: readonly string[] = SETTING_NAMES;
  const unknown = Object.keys(content).filter((key) => !names.includes(key));
  if (unknown.length > 0)
    throw new ConfigError(`${path} has what is no setting: ${unknown.join(', ')}. There are: ${names.join(', ')}.`);
  return new Map(
    Object.entries(content).map(([name, value]) => [name, { value: value as unknown, place: `${name} in ${path}` }]),
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`The file of --config cannot be read: ${(cause as Error).message}`);
  }
}

function parse(path: string, text: string): unknown {
  try {
    // An empty file holds no document.
    return loadAll(text, { filename: path })[0];
  } catch (cause) {
    throw new ConfigError(`${path} is not valid YAML: ${(cause as Error).message}`);
  }
}
