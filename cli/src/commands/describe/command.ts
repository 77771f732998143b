import { adviceFor } from '../../advice/advice.ts';
import { findObject, KINDS_HELP, targetOf } from '../../cluster/find-object.ts';
import { KIND_NAMES, singularWordOf } from '../../cluster/kinds.ts';
import type { SlipwayObject } from '../../cluster/kinds.ts';
import type { Command, Context } from '../../command.ts';
import { CLUSTER_FLAGS } from '../../help.ts';
import { age } from '../../terminal/age.ts';
import type { Paint } from '../../terminal/style.ts';
import type { Table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { cleanText, renderTable, wrap } from '../../terminal/table.ts';
import { allLinks, causesOf, renderChain, troubledPod } from './chain.ts';
import type { Cause, Link } from './chain.ts';
import { collectChain } from './collect.ts';
import { eventTable, readEvents } from './events.ts';
import { factsOf } from './facts.ts';
import { readRouting, routingLines } from './route.ts';
import type { Routing } from './route.ts';

const WIDTH_OF_PIPES = 120;

export const describeCommand: Command = {
  name: 'describe',
  usage: 'KIND NAME',
  summary: 'say how an object is, what is to blame, and what to do',
  details: `Follows what the object depends on and what runs for it, down to containers, and names the first thing that is wrong:
what comes after it is its consequence. ${KINDS_HELP}`,
  examples: ['slipway describe service flights', 'slipway describe version/flights-delay-3-7f3a2c -n team-a'],
  flags: CLUSTER_FLAGS,
  async run(args, context) {
    const target = targetOf('describe', args.positionals);
    const cluster = context.cluster();
    const object = await findObject(cluster, target);
    const [chain, routing] = await Promise.all([
      collectChain(cluster, target.kind, object),
      target.kind === 'InferenceService' ? readRouting(cluster, object) : undefined,
    ]);
    const uids = new Set(allLinks(chain).flatMap(({ uid }) => uid ?? []));
    const events = eventTable(await readEvents(cluster, uids), context.now());
    const { terminal } = context;
    const sections = [
      headLines(target.kind, object, context),
      causeLines(chain, context),
      requestLines(routing, terminal),
      [terminal.paint('bold', 'Depends on and runs as'), ...renderChain(chain, terminal.paint).map(indent)],
      eventLines(events, terminal),
    ];
    const texts = sections
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.map((line) => `${line}\n`).join(''));
    terminal.write(texts.join('\n'));
    return 0;
  },
};

function indent(line: string): string {
  return `  ${line}`;
}

function requestLines(routing: Routing | undefined, { paint }: Terminal): string[] {
  return routing === undefined ? [] : [paint('bold', 'Where requests go'), ...routingLines(routing).map(indent)];
}

function eventLines(events: Table | undefined, { paint, width }: Terminal): string[] {
  if (events === undefined) return [];
  const text = renderTable(events, { paint, width: width === undefined ? undefined : width - 2 });
  return [paint('bold', 'Events'), ...text.trimEnd().split('\n').map(indent)];
}

function headLines(kind: string, object: SlipwayObject, { terminal: { paint }, now }: Context): string[] {
  const { name, namespace = '', creationTimestamp } = object.metadata;
  const conditions = object.status?.conditions ?? [];
  const facts = factsOf(object);
  const width = Math.max(
    ...[...facts.map(([fact]) => fact), ...conditions.map(({ type }) => type)].map((one) => one.length),
  );
  return [
    `${kind} ${paint('bold', name)} in namespace ${namespace}, ${age(creationTimestamp, now())} old`,
    ...facts.map(([fact, value]) => `  ${fact.padEnd(width)}   ${cleanText(value)}`),
    ...conditions.map(
      ({ type, status, reason, lastTransitionTime }) =>
        `  ${type.padEnd(width)}   ${status.padEnd(7)} ${reason}, for ${age(lastTransitionTime, now())}`,
    ),
  ];
}

function causeLines(chain: Link, { terminal: { width: columns, paint } }: Context): string[] {
  const [cause, ...others] = causesOf(chain, ({ kind, health }) => adviceFor(kind, health.reason) !== undefined);
  if (cause === undefined) return [paint('green', 'All is well.')];
  const { state, reason, message } = cause.health;
  const width = (columns ?? WIDTH_OF_PIPES) - 2;
  const notes: Note[] = [
    ['What to do', adviceFor(cause.kind, reason) ?? (state === 'waiting' ? WAIT : undefined)],
    ['Its log', logsCommand(cause)],
    ['Also', others.length === 0 ? undefined : others.slice(0, MOST_OTHERS).map(shortly).join(', ')],
  ];
  return [
    paint('bold', state === 'wrong' ? 'The first thing that is wrong' : 'What it waits for'),
    `  ${cause.kind} ${paint('bold', cause.name)}: ${paint(state === 'wrong' ? 'red' : 'yellow', reason)}`,
    ...wrap(cleanText(message), width).map(indent),
    ...notes.flatMap((note) => noteLines(note, { width, paint })),
  ];
}

const WAIT = 'Nothing: it may well get on by itself.';
const MOST_OTHERS = 3;

type Note = readonly [title: string, text: string | undefined];

const TITLE_WIDTH = 'What to do:  '.length;

function noteLines([title, text]: Note, { width, paint }: { readonly width: number; readonly paint: Paint }): string[] {
  if (text === undefined) return [];
  const [first = '', ...rest] = wrap(text, width - TITLE_WIDTH);
  const head = paint('cyan', `${title}:`) + ' '.repeat(TITLE_WIDTH - title.length - 1);
  return [`  ${head}${first}`, ...rest.map((line) => `  ${' '.repeat(TITLE_WIDTH)}${line}`)];
}

function shortly({ kind, name, health }: Cause): string {
  return `${kind} ${name} (${health.reason})`;
}

/** A container that ended has more to say than its last line. Pods of Jobs are not started again, so they have no log from before. */
function logsCommand(cause: Cause): string | undefined {
  const found = troubledPod(cause);
  if (found === undefined || !/ended with exit code/.test(found.pod.health.message)) return undefined;
  const owner = KIND_NAMES.find((kind) => kind === found.owner.kind);
  if (owner === undefined) return `kubectl logs ${found.pod.name} --all-containers`;
  const command = `slipway logs ${singularWordOf(owner)} ${found.owner.name}`;
  return owner === 'InferenceService' ? `${command} --previous` : command;
}
