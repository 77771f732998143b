import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '@slipway/kube';
import { stringify } from 'yaml';
import type { Cluster } from '../../cluster/cluster.ts';
import { explainError } from '../../cluster/explain-error.ts';
import { notThere } from '../../cluster/find-object.ts';
import { KIND_NAMES, KIND_WORDS, kindOf, kinds, withoutManagedFields, wordOf } from '../../cluster/kinds.ts';
import type { KindName, SlipwayObject } from '../../cluster/kinds.ts';
import type { Arguments, Command, Context } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { CLUSTER_FLAGS } from '../../help.ts';
import { renderTable } from '../../terminal/table.ts';
import { measure } from './read-traffic.ts';
import type { Measured } from './read-traffic.ts';
import { tableOf } from './rows.ts';

const WATCH_PAUSE_MS = 2_000;
const CLEAR = '\u001B[2J\u001B[H';

export const getCommand: Command = {
  name: 'get',
  usage: '[KIND|all] [NAME…]',
  summary: 'list objects, a line each, with the reason where one is not ready',
  details: `KIND is one of ${KIND_WORDS.join(', ')}; the names of kubectl work as well. Without one: services.

Of services, TRAFFIC is the weight of VERSION in percent, and behind it the share that it was seen to get where that is another.
RATE, P99 and ERRORS are what the gateways counted over the second before the answer: requests a second, the time within which
99 % had their answer, and the share that the servers failed (5xx; UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE).
'-' where nothing was asked, or where you lack a right, which is said below (docs/cli.md).`,
  examples: [
    'slipway get',
    'slipway get versions -n team-a',
    'slipway get all -A',
    'slipway get service flights -o yaml',
    'slipway get services -w',
  ],
  flags: {
    'all-namespaces': { type: 'boolean', short: 'A', about: 'of every namespace' },
    output: { type: 'string', short: 'o', choices: ['wide', 'json', 'yaml', 'name'], about: 'another form of output' },
    watch: { type: 'boolean', short: 'w', about: 'show it again whenever it changes, until Ctrl-C' },
    measure: { type: 'string', value: 'SECONDS', about: 'how long to measure traffic; 0: not at all. Default 1' },
    ...CLUSTER_FLAGS,
  },
  async run(args, context) {
    const request = requestOf(args);
    const cluster = context.cluster();
    if (request.watch) return watch(request, cluster, context);
    const found = chosen(request, await read(request, cluster), cluster);
    if (request.output === 'json' || request.output === 'yaml' || request.output === 'name') {
      context.terminal.write(serialise(found, request));
      return 0;
    }
    const measured = await measureServices(request, cluster, { found, signal: context.signal });
    context.terminal.write(render(found, { request, measured, context }));
    context.terminal.note(obstacleLines(measured));
    if (found.every(({ objects }) => objects.length === 0)) context.terminal.note(nothingFound(request, cluster));
    return 0;
  },
};

interface GetRequest {
  readonly kinds: readonly KindName[];
  readonly names: readonly string[];
  readonly allNamespaces: boolean;
  readonly output: string | undefined;
  readonly watch: boolean;
  readonly measureMs: number;
}

interface Found {
  readonly kind: KindName;
  readonly objects: readonly SlipwayObject[];
}

function requestOf(args: Arguments): GetRequest {
  const [word = 'services', ...rest] = args.positionals.flatMap((part) => part.split('/'));
  const output = args.text('output');
  const request = {
    kinds: word === 'all' ? KIND_NAMES : [kindOf(word)],
    names: rest.filter((name) => name !== ''),
    allNamespaces: args.has('all-namespaces'),
    output,
    watch: args.has('watch'),
    measureMs: measureMsOf(args.text('measure') ?? '1'),
  };
  if (word === 'all' && request.names.length > 0) {
    throw new UsageError('"all" and names do not go together.', `For example: slipway get services ${rest.join(' ')}`);
  }
  refuseContradictions(request, args.has('namespace'));
  return request;
}

function refuseContradictions(
  { allNamespaces, names, watch: isWatch, output }: GetRequest,
  hasNamespace: boolean,
): void {
  if (allNamespaces && (hasNamespace || names.length > 0)) {
    const other = hasNamespace ? '-n' : 'names';
    throw new UsageError(`-A means every namespace, so it does not go with ${other}.`, 'Leave one of the two out.');
  }
  if (isWatch && output !== undefined && output !== 'wide') {
    throw new UsageError(`-w does not go with -o ${output}.`, 'Leave one out, or use: kubectl get -w -o json');
  }
}

function measureMsOf(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= 60) return seconds * 1000;
  throw new UsageError(`--measure cannot be "${text}".`, 'Give seconds from 0 to 60, such as 5.');
}

async function read({ kinds: wanted, allNamespaces }: GetRequest, cluster: Cluster): Promise<Found[]> {
  const where = allNamespaces ? {} : { namespace: cluster.namespace };
  return Promise.all(
    wanted.map(async (kind) => {
      const { items } = await cluster.client.list<KubeObject>(kinds[kind], where);
      return { kind, objects: items.sort(byNamespaceAndName) };
    }),
  );
}

function byNamespaceAndName(a: KubeObject, b: KubeObject): number {
  const key = ({ metadata }: KubeObject) => `${metadata.namespace ?? ''}/${metadata.name}`;
  return key(a) < key(b) ? -1 : 1;
}

/** The objects that were named, or all. Throws CliError for a name that is not there. */
function chosen(
  { names, kinds: [kind] }: GetRequest,
  found: readonly Found[],
  { namespace }: Cluster,
): readonly Found[] {
  if (names.length === 0 || kind === undefined) return found;
  const there = found.flatMap(({ objects }) => objects.map(({ metadata }) => metadata.name));
  const missing = names.find((name) => !there.includes(name));
  if (missing !== undefined) throw notThere({ kind, name: missing }, there, namespace);
  return found.map((one) => ({ ...one, objects: one.objects.filter(({ metadata }) => names.includes(metadata.name)) }));
}

async function measureServices(
  { measureMs, allNamespaces }: GetRequest,
  cluster: Cluster,
  { found, signal }: { readonly found: readonly Found[]; readonly signal: AbortSignal },
): Promise<Measured> {
  const services = found.find(({ kind }) => kind === 'InferenceService')?.objects ?? [];
  const namespace = allNamespaces ? undefined : cluster.namespace;
  return measure(cluster, services, { namespace, ms: measureMs, signal });
}

function obstacleLines({ obstacles }: Measured): string {
  if (obstacles.length === 0) return '';
  return `Not all could be measured. ${obstacles.join(' ')}\n`;
}

interface View {
  readonly request: GetRequest;
  readonly measured: Measured;
  readonly context: Pick<Context, 'terminal' | 'now'>;
}

function render(found: readonly Found[], { request, measured, context: { terminal, now } }: View): string {
  const options = { allNamespaces: request.allNamespaces, wide: request.output === 'wide', now: now(), measured };
  const several = request.kinds.length > 1;
  return found
    .filter(({ objects }) => objects.length > 0)
    .map(({ kind, objects }) => {
      const title = several ? `${terminal.paint('bold', wordOf(kind))}\n` : '';
      return title + renderTable(tableOf(kind, objects, options), terminal);
    })
    .join(several ? '\n' : '');
}

function nothingFound({ kinds: wanted, allNamespaces }: GetRequest, { namespace }: Cluster): string {
  const what = wanted.length > 1 ? 'is nothing of Slipway' : `are no ${wanted.map(wordOf).join(', ')}`;
  return allNamespaces
    ? `There ${what} in this cluster.\n`
    : `There ${what} in namespace "${namespace}". Look into all with -A.\n`;
}

function serialise(found: readonly Found[], { output, names }: GetRequest): string {
  const objects = found.flatMap((one) => one.objects.map(withoutManagedFields));
  if (output === 'name') return found.flatMap((one) => one.objects.map(nameLine)).join('');
  const only = names.length === 1 ? objects[0] : undefined;
  const value = only ?? { apiVersion: 'v1', kind: 'List', items: objects };
  return output === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { lineWidth: 0 });
}

function nameLine({ metadata }: SlipwayObject): string {
  return `${metadata.name}\n`;
}

/** Looks every two seconds. On a terminal it writes over what it wrote; elsewhere it writes again when more than ages and traffic changed. */
async function watch(request: GetRequest, cluster: Cluster, context: Context): Promise<number> {
  const { terminal, signal } = context;
  let before = '';
  while (!signal.aborted) {
    const { text, essence } = await look(request, cluster, context);
    if (signal.aborted) break;
    if (terminal.width !== undefined) terminal.write(`${CLEAR}${text}`);
    else if (essence !== before) terminal.write(text);
    before = essence;
    await sleep(WATCH_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
  return 0;
}

interface Look {
  readonly text: string;
  /** The same without what changes all the time: ages and traffic. */
  readonly essence: string;
}

/** A cluster that is away for a moment does not end a watch. */
async function look(request: GetRequest, cluster: Cluster, context: Context): Promise<Look> {
  try {
    const found = chosen(request, await read(request, cluster), cluster);
    const measured = await measureServices(request, cluster, { found, signal: context.signal });
    const text = render(found, { request, measured, context });
    const still = { terminal: context.terminal, now: () => new Date(0) };
    const essence = render(found, { request, measured: { ...measured, traffic: new Map() }, context: still });
    return text === '' ? same(nothingFound(request, cluster)) : { text: text + obstacleLines(measured), essence };
  } catch (cause) {
    return same(`${explainError(cause, cluster).message}\n`);
  }
}

function same(text: string): Look {
  return { text, essence: text };
}
