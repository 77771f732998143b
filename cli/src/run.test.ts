import { describe, expect, it } from 'vitest';
import { COMMANDS } from './commands/commands.ts';
import { parseArguments } from './parse-arguments.ts';
import { COMMON_FLAGS } from './help.ts';
import { runSlipway } from './run.ts';
import { plain } from './terminal/style.ts';

async function slipway(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await runSlipway(args, {
    terminal: {
      write: (text) => void (out += text),
      note: (text) => void (err += text),
      paint: plain,
      width: undefined,
      readInput: async () => '',
    },
    paintErrors: plain,
    now: () => new Date(0),
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

describe('slipway', () => {
  it('lists its commands with --help, and without a command, which is wrong', async () => {
    const help = await slipway('--help');

    expect(help.code).toBe(0);
    for (const { name, summary } of COMMANDS) expect(help.out).toMatch(new RegExp(`  ${name} +${summary}`));
    expect(await slipway()).toMatchObject({ code: 2, out: help.out });
    expect(await slipway('help')).toMatchObject({ code: 0, out: help.out });
  });

  it.each(COMMANDS.map(({ name }) => name))('%s --help shows its flags and examples', async (name) => {
    const { code, out } = await slipway(name, '--help');

    expect(code).toBe(0);
    expect(out).toContain(`slipway ${name}`);
    expect(await slipway('help', name)).toMatchObject({ code: 0, out });
  });

  it.each([
    [['gte'], 'error: slipway has no command "gte". Did you mean "get"?\n'],
    [['get', 'pods'], 'error: There is no kind "pods".\n'],
    [['get', 'all', 'flights'], 'error: "all" and names do not go together.\n'],
    [['get', '-A', '-n', 'team'], 'error: -A means every namespace, so it does not go with -n.\n'],
    [['get', '--measure', '-1'], 'error: --measure cannot be "-1".\n'],
    [['describe'], 'error: describe needs a kind and a name.\n'],
    [['describe', 'service'], 'error: Which service?\n'],
    [['logs', 'store', 'default'], 'error: Nothing runs for a store, so it has no logs.\n'],
    [['logs', 'service', 'x', '-f', '-p'], 'error: -f and --previous do not go together.\n'],
    [['predict'], 'error: Which service?\n'],
    [['predict', 'x', '--csv', 'a', '--json', 'b'], 'error: --csv and --json do not go together.\n'],
    [['predict', 'x', '--set', 'a=1', '--columns', 'a'], 'error: --columns is for --csv.\n'],
    [['promote', 'v'], 'error: Into which folder?\n'],
    [['rollout'], 'error: What about the rollout?\n'],
    [['rollout', 'puase', 'x'], 'error: slipway rollout has no "puase". Did you mean "pause"?\n'],
    [['rollout', 'abort'], 'error: Which service?\n'],
    [['rollout', 'abort', 'x', '--full'], 'error: --full does not go with abort.\n'],
    [['rollout', 'promote', 'x', '--full', '--step', '2'], 'error: --step and --full do not go together.\n'],
    [['rollout', 'promote', 'x', '--step', '0'], 'error: --step cannot be "0".\n'],
    [['rollout', 'pause', 'x', 'y'], 'error: pause takes one service, and was given y as well.\n'],
    [['completion', 'fish'], 'error: There is no completion for "fish".\n'],
  ])('%j is a mistake of the command line: two lines, exit code 2', async (args, first) => {
    const { code, out, err } = await slipway(...args);

    expect(err.startsWith(first)).toBe(true);
    expect(err.trimEnd().split('\n')).toHaveLength(2);
    expect([code, out]).toEqual([2, '']);
  });

  it('says that there is no kubeconfig', async () => {
    expect(await slipway('get', '--kubeconfig', '/no/such/file')).toEqual({
      code: 1,
      out: '',
      err: 'error: There is no kubeconfig /no/such/file.\n  Name one with --kubeconfig FILE or $KUBECONFIG; kubectl config view shows what is there.\n',
    });
  });

  it.each(['bash', 'zsh'])('completes every command and flag in %s', async (shell) => {
    const { out } = await slipway('completion', shell);

    for (const { name, flags } of COMMANDS) {
      expect(out).toContain(`${name}) flags="`);
      for (const flag of Object.keys(flags)) expect(out).toContain(`--${flag}`);
    }
  });
});

it.each(
  COMMANDS.flatMap(({ name, examples }) => examples.filter((one) => !/[|<>]/.test(one)).map((one) => [name, one])),
)('the example of %s is one: %s', (name, example) => {
  const command = COMMANDS.find((one) => one.name === name);
  const words = example.split('#')[0]?.trim().split(/\s+/).slice(2) ?? [];

  expect(() => parseArguments(name, { ...command?.flags, ...COMMON_FLAGS }, words)).not.toThrow();
});
