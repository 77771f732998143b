import { contentHash } from './canonical.ts';
import { builtin, type Event } from './builtin-kinds.ts';
import type { KubeClient } from './client.ts';
import { type Clock, sleep } from './clock.ts';
import { cut } from './conditions.ts';
import { KubeApiError, retryAfterOf, toOperatorError } from './errors.ts';
import { microTime } from './leader-election.ts';
import type { DeepReadonly, KubeObject, Logger } from './types.ts';

export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** PascalCase, at most 128 characters. */
  readonly reason: string;
  readonly message: string;
  /** What was being done: a verb in PascalCase, such as Applying. */
  readonly action: string;
}

export interface EventRecorder {
  /** Never throws and never waits. */
  record(object: DeepReadonly<KubeObject>, note: EventNote): void;
  /** Resolves when everything recorded so far is written or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** `reportingController`, such as slipway.dev/operator. */
  readonly component: string;
  /** `reportingInstance`, such as the name of the pod. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const SERIES_MS = 10 * 60_000;
const MAX_SERIES = 1_000;
const TRIES = 4;

/** One Event of the cluster and what we counted on top of it. */
interface Series {
  readonly event: Event;
  count: number;
  lastAt: Date;
  /** What the server has: 0 is nothing yet. */
  written: number;
  queued: boolean;
}

/**
 * Events (events.k8s.io/v1) for people who look at `kubectl describe`. The same object, reason and message within ten
 * minutes raise the count of one Event. At most 1,000 different ones are held; beyond that the oldest is forgotten.
 */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, log } = options;
  const known = new Map<string, Series>(); // in the order of last use
  const queue: Series[] = [];
  let sending: Promise<void> = Promise.resolve();

  function record(object: DeepReadonly<KubeObject>, note: EventNote): void {
    const now = clock.now();
    const id = contentHash([object.metadata.uid, object.kind, object.metadata.namespace, object.metadata.name, note]);
    const before = known.get(id);
    const continues = before !== undefined && now.getTime() - before.lastAt.getTime() < SERIES_MS;
    const series = continues
      ? before
      : { event: newEvent(options, object, note), count: 0, lastAt: now, written: 0, queued: false };
    series.count += 1;
    series.lastAt = now;
    known.delete(id);
    known.set(id, series);
    const oldest = known.keys().next().value;
    if (known.size > MAX_SERIES && oldest !== undefined) known.delete(oldest);
    enqueue(series);
  }

  function enqueue(series: Series): void {
    if (series.queued) return;
    if (queue.length >= MAX_SERIES) {
      log.warn({ reason: series.event.reason }, 'dropped an event: too many wait');
      return;
    }
    series.queued = true;
    queue.push(series);
    sending = sending.then(sendNext);
  }

  async function sendNext(): Promise<void> {
    const series = queue.shift();
    if (series === undefined) return;
    series.queued = false;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      try {
        return await write(series);
      } catch (cause) {
        const error = toOperatorError(cause);
        log.info({ reason: series.event.reason, why: error.message }, 'could not write an event');
        if (error.retry !== 'backoff' || isRefused(cause)) return;
        await sleep(clock, Math.max(1000 * 2 ** attempt, retryAfterOf(error)));
      }
    }
  }

  async function write(series: Series): Promise<void> {
    const { count, event } = series;
    const manager = { fieldManager: options.component.replaceAll('/', '.') };
    if (series.written === 0) {
      await client
        .create(builtin.Event, count === 1 ? event : { ...event, series: seriesOf(series) }, manager)
        .catch(ignoreAlreadyExists);
    } else {
      const { namespace = '', name } = event.metadata;
      await client
        .mergePatch(builtin.Event, { namespace, name }, { series: seriesOf(series) }, manager)
        .catch((cause: unknown) => {
          // Events live an hour; a later one of the series starts a new one.
          if (!(cause instanceof KubeApiError && cause.isNotFound)) throw cause;
          series.lastAt = new Date(0);
        });
    }
    series.written = count;
  }

  return { record, flush: () => sending };
}

function seriesOf({ count, lastAt }: Series): NonNullable<Event['series']> {
  return { count, lastObservedTime: microTime(lastAt) };
}

/** By rights, or because the namespace ends or is gone: a few seconds change none of that. */
function isRefused(cause: unknown): boolean {
  return cause instanceof KubeApiError && [403, 404].includes(cause.status.code ?? 0);
}

// The answer to our first try was lost.
function ignoreAlreadyExists(cause: unknown): void {
  if (!(cause instanceof KubeApiError && cause.isAlreadyExists)) throw cause;
}

function newEvent(
  { component, instance, clock }: EventRecorderOptions,
  object: DeepReadonly<KubeObject>,
  note: EventNote,
): Event {
  const { name, namespace = 'default', uid, resourceVersion } = object.metadata;
  const now = clock.now();
  const id = contentHash([uid, note, now.getTime()]).slice(0, 16);
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 230)}.${id}`, namespace },
    eventTime: microTime(now),
    reportingController: component,
    reportingInstance: instance.slice(0, 128),
    action: note.action,
    reason: note.reason,
    note: cut(note.message),
    type: note.type,
    regarding: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      ...(object.metadata.namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}
