import { parseArgs } from 'node:util';
import type { Arguments, Flag, Flags } from './command.ts';
import { didYouMean } from './did-you-mean.ts';
import { UsageError } from './errors.ts';

interface OptionToken {
  readonly kind: 'option';
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/**
 * The arguments of `command` by its flags, given in any order, as `--flag value`, `--flag=value` or `-f value`.
 *
 * @throws UsageError for a flag that the command does not have, a value that is missing or not among the choices.
 */
export function parseArguments(command: string, flags: Flags, args: readonly string[]): Arguments {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, short }]) => [
      name,
      { type, multiple: true, ...(short === undefined ? {} : { short }) },
    ]),
  );
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const value = valueOf(command, flags, token);
    values.set(token.name, [...(values.get(token.name) ?? []), value]);
  }
  for (const [name, given] of values) {
    if (given.length > 1 && flags[name]?.type === 'string' && flags[name]?.multiple !== true) {
      throw new UsageError(`--${name} was given ${given.length} times.`, 'Give it once.');
    }
  }
  return {
    positionals,
    text: (flag) => values.get(flag)?.at(-1),
    texts: (flag) => values.get(flag) ?? [],
    has: (flag) => values.has(flag),
  };
}

function valueOf(command: string, flags: Flags, { name, rawName, value, inlineValue }: OptionToken): string {
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (flag === undefined) throw unknownFlag(command, flags, rawName);
  if (flag.type === 'boolean') {
    if (inlineValue === true) throw new UsageError(`${rawName} takes no value.`, `Leave out "=${value ?? ''}".`);
    return '';
  }
  if (value === undefined || value === '') {
    throw new UsageError(`${rawName} needs a value.`, `For example: ${rawName} ${exampleValue(flag)}`);
  }
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    const meant = didYouMean(value, flag.choices);
    const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
    throw new UsageError(`${rawName} cannot be "${value}".${suggestion}`, `Take one of: ${flag.choices.join(', ')}`);
  }
  return value;
}

function exampleValue({ choices, value }: Flag): string {
  return choices?.[0] ?? value ?? 'VALUE';
}

function unknownFlag(command: string, flags: Flags, rawName: string): UsageError {
  const meant = didYouMean(rawName.replace(/^-+/, ''), Object.keys(flags));
  const suggestion = meant === undefined ? '' : ` Did you mean "--${meant}"?`;
  return new UsageError(`slipway ${command} has no flag ${rawName}.${suggestion}`, `See: slipway ${command} --help`);
}
