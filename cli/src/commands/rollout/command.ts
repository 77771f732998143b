import { KubeApiError } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import { missingRight } from '../../cluster/explain-error.ts';
import { kinds, withoutManagedFields } from '../../cluster/kinds.ts';
import type { Arguments, Command, Context } from '../../command.ts';
import { didYouMean } from '../../did-you-mean.ts';
import { CliError, UsageError } from '../../errors.ts';
import { CLUSTER_FLAGS } from '../../help.ts';
import { renderTable } from '../../terminal/table.ts';
import { decide, VERBS } from './decide.ts';
import type { Subject, Verb, Wish } from './decide.ts';
import { readHistory, readSubject, readVersions } from './read.ts';
import type { Target } from './read.ts';
import { historyTable, statusLines } from './screen.ts';
import { undo } from './undo.ts';
import { watchRollout } from './watch.ts';

/** Every word that may follow `rollout`. */
export const ROLLOUT_VERBS = ['status', 'history', ...VERBS, 'undo'] as const;
type RolloutVerb = (typeof ROLLOUT_VERBS)[number];

const MANAGER = { fieldManager: 'slipway-cli' };
const MOST_STEPS = 20;

export const rolloutCommand: Command = {
  name: 'rollout',
  usage: `${ROLLOUT_VERBS.join('|')} SERVICE`,
  summary: 'see how a service changes to another version, pause it, promote it, take it back',
  details: `status    one screen: the steps, the weights, the reason, what comes next
history   a line for each rollout; without SERVICE of every service
pause     it stays where it is; resume: it goes on
promote   approves the step that waits for a person; --step N: that one, also before it is reached;
          --full: all requests, without the steps that are left
abort     all requests go back at once
retry     begins an aborted rollout again, from its first step
undo      goes back to what served before the last change, or to --to REVISION, until the spec asks for something else

Each takes the newest rollout of SERVICE, or that of --rollout NAME. All of them say what shall be: said twice they change nothing.
With --watch, status ends with the rollout: 0 it was promoted, 1 it was aborted, superseded or withdrawn, 130 Ctrl-C.`,
  examples: [
    'slipway rollout status flights --watch',
    'slipway rollout history flights -n team-a',
    'slipway rollout pause flights',
    'slipway rollout promote flights',
    'slipway rollout promote flights --step 4',
    'slipway rollout promote flights --full',
    'slipway rollout abort --rollout flights-7',
    'slipway rollout undo flights',
  ],
  flags: {
    rollout: { type: 'string', value: 'NAME', about: 'this ModelRollout; default: the newest of the service' },
    to: {
      type: 'string',
      value: 'REVISION',
      about: 'for undo: this one, which rollout history or get controllerrevisions names',
    },
    step: { type: 'string', value: 'N', about: 'for promote: approve this step, counted from 1' },
    full: { type: 'boolean', about: 'for promote: without the steps that are left' },
    watch: { type: 'boolean', short: 'w', about: 'for status: show it again whenever it changes, until it has ended' },
    output: { type: 'string', short: 'o', choices: ['json'], about: 'for status and history: the objects' },
    ...CLUSTER_FLAGS,
  },
  async run(args, context) {
    const verb = verbOf(args);
    refuseContradictions(verb, args);
    const target = targetOf(verb, args);
    if (verb === 'history') return history(target.service, args, context);
    if (verb === 'status') return status(target, args, context);
    if (verb === 'undo') {
      const cluster = context.cluster();
      context.terminal.write(`${await undo(cluster, { service: target.service ?? '', to: args.text('to') })}\n`);
      return 0;
    }
    const wish = wishOf(verb, args);
    return change(context.cluster(), target, { wish, context });
  },
};

function verbOf({ positionals: [word] }: Arguments): RolloutVerb {
  const found = ROLLOUT_VERBS.find((verb) => verb === word);
  if (found !== undefined) return found;
  const hint = `Take one of: ${ROLLOUT_VERBS.join(', ')}`;
  if (word === undefined) throw new UsageError('What about the rollout?', hint);
  const meant = didYouMean(word, ROLLOUT_VERBS);
  const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  throw new UsageError(`slipway rollout has no "${word}".${suggestion}`, hint);
}

const FLAGS_OF: Readonly<Record<string, readonly RolloutVerb[]>> = {
  to: ['undo'],
  step: ['promote'],
  full: ['promote'],
  watch: ['status'],
  output: ['status', 'history'],
  rollout: ['status', ...VERBS],
};

function refuseContradictions(verb: RolloutVerb, args: Arguments): void {
  for (const [flag, verbs] of Object.entries(FLAGS_OF)) {
    if (!args.has(flag) || verbs.includes(verb)) continue;
    throw new UsageError(`--${flag} does not go with ${verb}.`, `It is for: ${verbs.join(', ')}`);
  }
  for (const [one, other] of [
    ['step', 'full'],
    ['watch', 'output'],
  ] as const) {
    if (args.has(one) && args.has(other)) {
      throw new UsageError(`--${one} and --${other} do not go together.`, 'Leave one of the two out.');
    }
  }
}

function targetOf(verb: RolloutVerb, args: Arguments): Target {
  const [service, ...others] = args.positionals.slice(1);
  const rollout = args.text('rollout');
  if (others.length > 0) {
    throw new UsageError(
      `${verb} takes one service, and was given ${others.join(', ')} as well.`,
      `For example: slipway rollout ${verb} ${service ?? 'SERVICE'}`,
    );
  }
  if (service === undefined && rollout === undefined && verb !== 'history') {
    throw new UsageError(
      'Which service?',
      `For example: slipway rollout ${verb} SERVICE; those that have changed: slipway rollout history`,
    );
  }
  return { service, rollout };
}

function wishOf(verb: Verb, args: Arguments): Wish {
  const text = args.text('step');
  if (text === undefined) return { verb, full: args.has('full') };
  const step = Number(text);
  if (/^\d+$/.test(text) && step >= 1 && step <= MOST_STEPS) return { verb, step };
  throw new UsageError(`--step cannot be "${text}".`, `Give the number of a step, from 1 to ${MOST_STEPS}.`);
}

async function history(service: string | undefined, args: Arguments, context: Context): Promise<number> {
  const cluster = context.cluster();
  const [rollouts, versions] = await Promise.all([readHistory(cluster, service), readVersions(cluster)]);
  if (args.text('output') === 'json') {
    const list = { apiVersion: 'v1', kind: 'List', items: rollouts.map(withoutManagedFields) };
    context.terminal.write(`${JSON.stringify(list, undefined, 2)}\n`);
    return 0;
  }
  if (rollouts.length === 0) {
    const whose = service === undefined ? `in namespace "${cluster.namespace}"` : `of InferenceService "${service}"`;
    context.terminal.note(`There are no rollouts ${whose}: nothing has changed since it served for the first time.\n`);
    return 0;
  }
  const table = historyTable(rollouts, { versions, now: context.now(), ofOneService: service !== undefined });
  context.terminal.write(renderTable(table, context.terminal));
  return 0;
}

async function status(target: Target, args: Arguments, context: Context): Promise<number> {
  const cluster = context.cluster();
  if (args.has('watch')) return watchRollout(cluster, target, context);
  const { terminal, now } = context;
  const [subject, versions] = await Promise.all([readSubject(cluster, target), readVersions(cluster)]);
  if (args.text('output') === 'json') {
    terminal.write(`${JSON.stringify(withoutManagedFields(subject.rollout), undefined, 2)}\n`);
    return 0;
  }
  terminal.write(`${statusLines({ ...subject, versions }, { ...terminal, now: now() }).join('\n')}\n`);
  return 0;
}

interface Change {
  readonly wish: Wish;
  readonly context: Context;
}

async function change(cluster: Cluster, target: Target, { wish, context: { terminal } }: Change): Promise<number> {
  const subject = await readSubject(cluster, target);
  const { patch, words } = decide(subject, wish);
  if (patch !== undefined) await write(cluster, subject, patch);
  terminal.write(`${words}\n`);
  return 0;
}

async function write({ client, namespace }: Cluster, { rollout }: Subject, spec: object): Promise<void> {
  const { name } = rollout.metadata;
  try {
    await client.mergePatch(kinds.ModelRollout, { namespace, name }, { spec }, MANAGER);
  } catch (cause) {
    if (!(cause instanceof KubeApiError) || cause.status.code !== 403) throw cause;
    throw new CliError(
      `You may not change ModelRollout "${name}": ${missingRight(cause)}`,
      `Ask for the right to patch modelrollouts.slipway.dev in namespace "${namespace}".`,
      { cause },
    );
  }
}
