import { describe, expect, it } from 'vitest';
import type { Flags } from './command.ts';
import { UsageError } from './errors.ts';
import { parseArguments } from './parse-arguments.ts';

const FLAGS: Flags = {
  namespace: { type: 'string', short: 'n', value: 'NAMESPACE', about: '' },
  output: { type: 'string', short: 'o', choices: ['json', 'yaml'], about: '' },
  watch: { type: 'boolean', short: 'w', about: '' },
  set: { type: 'string', value: 'INPUT=VALUES', multiple: true, about: '' },
};
const parse = (...args: string[]) => parseArguments('get', FLAGS, args);

function refusal(...args: string[]): string {
  try {
    parse(...args);
  } catch (cause) {
    if (cause instanceof UsageError) return `${cause.message} / ${cause.hint}`;
  }
  return 'taken';
}

describe('parseArguments', () => {
  it('takes flags before, between and after the rest', () => {
    const args = parse('-n', 'team', 'services', '--output=json', 'flights', '-w');

    expect(args.positionals).toEqual(['services', 'flights']);
    expect([args.text('namespace'), args.text('output'), args.has('watch')]).toEqual(['team', 'json', true]);
  });

  it('collects a flag that may be given more than once, and values that begin with a minus', () => {
    expect(parse('--set', 'x=-1', '--set', 'y=2').texts('set')).toEqual(['x=-1', 'y=2']);
  });

  it('leaves alone what follows --', () => {
    expect(parse('--', '-w').positionals).toEqual(['-w']);
  });

  it.each([
    [['--namspace', 'x'], 'slipway get has no flag --namspace. Did you mean "--namespace"? / See: slipway get --help'],
    [['--constructor'], 'slipway get has no flag --constructor. / See: slipway get --help'],
    [['-n'], '-n needs a value. / For example: -n NAMESPACE'],
    [['--output='], '--output needs a value. / For example: --output json'],
    [['-o', 'yml'], '-o cannot be "yml". Did you mean "yaml"? / Take one of: json, yaml'],
    [['--watch=yes'], '--watch takes no value. / Leave out "=yes".'],
    [['-n', 'a', '-n', 'b'], '--namespace was given 2 times. / Give it once.'],
  ])('refuses %j', (args, words) => {
    expect(refusal(...args)).toBe(words);
  });
});
