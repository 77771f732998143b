import { setTimeout as sleep } from 'node:timers/promises';
import { builtin, KubeApiError } from '@slipway/kube';
import type { Pod } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import { findObject, targetOf } from '../../cluster/find-object.ts';
import type { Target } from '../../cluster/find-object.ts';
import { singularWordOf } from '../../cluster/kinds.ts';
import type { Arguments, Command, Context } from '../../command.ts';
import { CliError, UsageError } from '../../errors.ts';
import { CLUSTER_FLAGS } from '../../help.ts';
import type { Colour } from '../../terminal/style.ts';
import { hasEnded, logSources, podSelector, prefixOf } from './pods.ts';
import type { LogSource } from './pods.ts';
import { linesOf } from './lines.ts';

const LOOK_FOR_PODS_MS = 2_000;
const COLOURS: readonly Colour[] = ['cyan', 'green', 'magenta', 'yellow', 'blue'];

export const logsCommand: Command = {
  name: 'logs',
  usage: 'KIND NAME',
  summary: 'show the logs of the pods that run for an object',
  details: `KIND is services, jobs (all attempts), versions (their verification), datasets or featuresets (their Jobs). Shows the main
containers; of a pod where none has begun yet, the one that prepares it. Lines of several pods begin with the name of theirs.`,
  examples: [
    'slipway logs service flights',
    'slipway logs service flights --previous',
    'slipway logs job flights-xgb -f',
    'slipway logs service flights -c fetch --tail 20',
  ],
  flags: {
    follow: { type: 'boolean', short: 'f', about: 'go on until the pods have ended, also with pods that come later' },
    previous: { type: 'boolean', short: 'p', about: 'of the containers before they were started again' },
    container: { type: 'string', short: 'c', value: 'NAME', about: 'of this container only' },
    tail: { type: 'string', value: 'LINES', about: 'the last lines of each only' },
    ...CLUSTER_FLAGS,
  },
  async run(args, context) {
    const target = targetOf('logs', args.positionals);
    const request = requestOf(target, args);
    const cluster = context.cluster();
    await findObject(cluster, target);
    return request.follow ? follow(request, cluster, context) : show(request, cluster, context);
  },
};

interface LogsRequest {
  readonly target: Target;
  readonly selector: string;
  readonly container: string | undefined;
  readonly previous: boolean;
  readonly follow: boolean;
  readonly tail: string | undefined;
}

function requestOf(target: Target, args: Arguments): LogsRequest {
  const selector = podSelector(target.kind, target.name);
  if (selector === undefined) {
    const word = singularWordOf(target.kind);
    throw new UsageError(
      `Nothing runs for a ${word}, so it has no logs.`,
      `See: slipway describe ${word} ${target.name}`,
    );
  }
  const tail = args.text('tail');
  if (tail !== undefined && !/^\d{1,9}$/.test(tail))
    throw new UsageError(`--tail cannot be "${tail}".`, 'Give a number of lines.');
  const [isFollowing, previous] = [args.has('follow'), args.has('previous')];
  if (isFollowing && previous)
    throw new UsageError('-f and --previous do not go together.', 'What has ended says nothing more.');
  return { target, selector, container: args.text('container'), previous, follow: isFollowing, tail };
}

async function podsOf({ selector }: LogsRequest, { client, namespace }: Cluster): Promise<Pod[]> {
  const { items } = await client.list(builtin.Pod, { namespace, labelSelector: selector });
  return items.sort((a, b) => (createdAt(a) < createdAt(b) ? -1 : 1));
}

function createdAt({ metadata }: Pod): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
}

/** One pod after the other, the oldest first. */
async function show(request: LogsRequest, cluster: Cluster, context: Context): Promise<number> {
  const pods = await podsOf(request, cluster);
  const sources = pods.flatMap((pod) => logSources(pod, request));
  if (sources.length === 0) throw nothingToShow(request, pods);
  const writer = createWriter(context);
  writer.add(sources);
  for (const source of sources) {
    await copy(source, { request, cluster, context, write: writer.lineWriter(source) });
  }
  return 0;
}

function nothingToShow({ target, previous, container }: LogsRequest, pods: readonly Pod[]): CliError {
  const see = `See: slipway describe ${singularWordOf(target.kind)} ${target.name}`;
  if (pods.length === 0) return new CliError(`No pod runs for ${target.kind} "${target.name}".`, see);
  if (container !== undefined) {
    const names = pods.flatMap(({ spec }) =>
      [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ name }) => name),
    );
    return new CliError(
      `No container "${container}" has a log to show.`,
      `The pods have: ${[...new Set(names)].join(', ')}`,
    );
  }
  if (previous)
    return new CliError('No container was started again, so there is no log from before.', 'Leave out --previous.');
  return new CliError(`No container of ${target.kind} "${target.name}" has begun.`, see);
}

/** All at once; looks for new pods until every pod has ended. */
async function follow(request: LogsRequest, cluster: Cluster, context: Context): Promise<number> {
  const { signal, terminal } = context;
  const running = new Map<string, Promise<void>>();
  const writer = createWriter(context);
  let isWaiting = false;
  while (!signal.aborted) {
    const pods = await podsOf(request, cluster);
    const fresh = pods.flatMap((pod) => logSources(pod, request)).filter((source) => !running.has(keyOf(source)));
    writer.add(fresh);
    for (const source of fresh) {
      const write = writer.lineWriter(source);
      running.set(keyOf(source), copy(source, { request, cluster, context, write }));
    }
    if (running.size === 0 && !isWaiting) {
      terminal.note('No container has begun yet; waiting. Ctrl-C ends.\n');
      isWaiting = true;
    }
    if (running.size > 0 && pods.every(hasEnded)) break;
    await sleep(LOOK_FOR_PODS_MS, undefined, { signal }).catch(() => undefined);
  }
  await Promise.all(running.values());
  return 0;
}

function keyOf({ pod, container }: LogSource): string {
  return `${pod}/${container}`;
}

interface Copying {
  readonly request: LogsRequest;
  readonly cluster: Cluster;
  readonly context: Context;
  readonly write: (line: string) => void;
}

/** Until the log ends. A pod that is gone meanwhile has said what it had to say. */
async function copy({ pod, container }: LogSource, { request, cluster, context, write }: Copying): Promise<void> {
  const { follow: isFollowing, previous, tail } = request;
  const query = {
    container,
    ...(isFollowing ? { follow: 'true' } : {}),
    ...(previous ? { previous: 'true' } : {}),
    ...(tail === undefined ? {} : { tailLines: tail }),
  };
  const path = `/api/v1/namespaces/${cluster.namespace}/pods/${pod}/log`;
  try {
    // The API server sends no headers before the first line, and a container may be silent for long.
    const chunks = await cluster.api.stream({
      path,
      query,
      signal: context.signal,
      timeoutMs: isFollowing ? 0 : 30_000,
    });
    for await (const line of linesOf(chunks)) write(line);
  } catch (cause) {
    if (context.signal.aborted) return;
    if (!(cause instanceof KubeApiError)) throw cause;
    context.terminal.note(`The log of ${pod}/${container} cannot be read: ${cause.message}\n`);
  }
}

/** Lines of one source go out as they are; once there are several, with a coloured name in front. */
function createWriter({ terminal }: Context) {
  const known: LogSource[] = [];
  const colours = new Map<string, Colour>();
  return {
    /** Before anything is written for them. */
    add(sources: readonly LogSource[]): void {
      known.push(...sources);
      for (const { pod } of sources) {
        if (!colours.has(pod)) colours.set(pod, COLOURS[colours.size % COLOURS.length] ?? 'cyan');
      }
    },
    lineWriter(source: LogSource): (line: string) => void {
      return (line) => {
        const prefix = terminal.paint(colours.get(source.pod) ?? 'cyan', prefixOf(source, known));
        terminal.write(known.length === 1 ? `${line}\n` : `${prefix} ${line}\n`);
      };
    },
  };
}
