import type { Command, Flag, Flags } from './command.ts';
import type { Paint } from './terminal/style.ts';

/** Every command has these. */
export const COMMON_FLAGS: Flags = {
  help: { type: 'boolean', short: 'h', about: 'show this help' },
};

/** Every command that talks to a cluster has these, with the names that kubectl gave them. */
export const CLUSTER_FLAGS: Flags = {
  namespace: { type: 'string', short: 'n', value: 'NAMESPACE', about: 'default: that of the context' },
  context: { type: 'string', value: 'NAME', about: 'the context of the kubeconfig; default: the current one' },
  kubeconfig: { type: 'string', value: 'FILE', about: 'default: $KUBECONFIG, then ~/.kube/config' },
};

export function overview(commands: readonly Command[], paint: Paint): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 3;
  const list = commands.map(
    ({ name, summary }) => `  ${paint('bold', name)}${' '.repeat(width - name.length)}${summary}`,
  );
  return [
    `Slipway: machine-learning models on Kubernetes, from data to predictions.`,
    '',
    `${heading('Usage', paint)}  slipway COMMAND [flags]        (or: kubectl slipway COMMAND [flags])`,
    '',
    heading('Commands', paint),
    ...list,
    '',
    heading('Flags of every command', paint),
    ...flagLines({ ...CLUSTER_FLAGS, ...COMMON_FLAGS }),
    '',
    heading('Exit codes', paint),
    '  0 done   1 failed, or something was not there   2 the command line is wrong',
    '',
    `  slipway COMMAND --help tells more, with examples.`,
    '',
  ].join('\n');
}

export function commandHelp(command: Command, paint: Paint): string {
  const { name, usage, summary, details, examples, flags } = command;
  return [
    capitalised(summary),
    '',
    `${heading('Usage', paint)}  slipway ${[name, usage].filter((part) => part !== '').join(' ')}`,
    '',
    ...(details === undefined ? [] : [details, '']),
    heading('Flags', paint),
    ...flagLines({ ...flags, ...COMMON_FLAGS }),
    '',
    heading('Examples', paint),
    ...examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

function heading(text: string, paint: Paint): string {
  return paint('bold', `${text}:`);
}

function flagLines(flags: Flags): string[] {
  const names = Object.entries(flags).map(([name, flag]) => flagName(name, flag));
  const width = Math.max(...names.map((name) => name.length)) + 3;
  return Object.values(flags).map((flag, index) => `  ${(names[index] ?? '').padEnd(width)}${flag.about}`);
}

function flagName(name: string, { short, type, value, choices }: Flag): string {
  const shortName = short === undefined ? '    ' : `-${short}, `;
  return `${shortName}--${name}${type === 'boolean' ? '' : ` ${choices?.join('|') ?? value ?? 'VALUE'}`}`;
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
