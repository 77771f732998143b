/** Waits until a namespace is as a step wants it, and quiet. */
import { setTimeout as sleep } from 'node:timers/promises';
import { writesOf } from '../oracles/journal-oracles.ts';
import { orphans, uncountedPods, unobserved } from '../oracles/state-oracles.ts';
import { describeEntry } from '../proxy/journal.ts';
import type { RequestEntry } from '../proxy/journal.ts';
import type { FaultProxy } from '../proxy/fault-proxy.ts';
import type { Json } from './api.ts';
import type { Observer } from './observer.ts';
import type { Subject } from './subject.ts';
import type { Step, World } from './workload.ts';

export interface Timing {
  /** Nothing may have changed for so long, in milliseconds, before a state counts as an end state. */
  readonly quietMs: number;
  /** A step that is not settled by then has failed, in milliseconds. */
  readonly settleMs: number;
  /** How long a restarted program must write nothing, in milliseconds. */
  readonly restMs: number;
}

interface Watched {
  readonly proxy: FaultProxy;
  readonly timing: Timing;
}

const POLL_MS = 50;
const START_MS = 120_000;

/** @returns what is still wrong when the time is up; undefined when all is settled. */
export async function settle(
  observer: Observer,
  step: Step,
  world: World,
  { proxy, timing }: Watched,
): Promise<string | undefined> {
  const started = performance.now();
  let deadline = started + timing.settleMs;
  for (;;) {
    // What a busy machine needs to start the program is no fault of the program.
    const isStarting = !proxy.journal.isHeard() && performance.now() < started + START_MS;
    if (isStarting) deadline = performance.now() + timing.settleMs;
    const pending = step.pending(world) ?? unfinished(world.objects());
    const changes = observer.changes(world.namespace);
    // Not before a change of this step's own act could show.
    const quietSince = Math.max(changes.at(-1)?.atMs ?? started, started);
    // A program that was just started again has not looked yet: its silence says nothing.
    const quietMs = Math.min(performance.now() - quietSince, proxy.journal.idleMs());
    if (pending === undefined && quietMs >= timing.quietMs) return undefined;
    if (performance.now() > deadline) {
      const last = changes.slice(-5).map(({ what }) => what);
      const writes = writesOf(proxy.journal.entries).slice(-5).map(describeEntry);
      const why = pending ?? 'everything is there, but something goes on changing it';
      return `not settled after ${timing.settleMs / 1000} s: ${why}\n    last changes: ${last.join(', ')}\n    last writes: ${writes.join(', ')}`;
    }
    await sleep(POLL_MS);
  }
}

/** What never stays so, whatever the step. */
function unfinished(objects: readonly Json[]): string | undefined {
  return [unobserved, orphans, uncountedPods].flatMap((look) => look(objects))[0];
}

/** What changed, or was written without effect, after the program was started again with nothing to do. */
export async function restProblems(
  observer: Observer,
  namespace: string,
  { subject, proxy, timing }: Watched & { readonly subject: Subject },
): Promise<string[]> {
  await subject.stop();
  const changesBefore = observer.changes(namespace).length;
  const entriesBefore = proxy.journal.entries.length;
  proxy.journal.nextIncarnation();
  subject.start();
  await untilIdle(proxy, timing);
  await sleep(timing.restMs);
  const changed = observer.changes(namespace).slice(changesBefore);
  const written = writesOf(proxy.journal.entries.slice(entriesBefore)).filter((entry) => !isQuestion(entry));
  return [
    ...changed.map(({ what }) => `at rest, after a restart, this changed: ${what}`),
    ...written.map((entry) => `at rest, after a restart, this was written: ${describeEntry(entry)}`),
  ];
}

/**
 * Whether a name is free, a program learns from an apply that can touch nothing that is there (`kube/src/apply.ts`): what belongs to
 * somebody else is in no cache of it, so it asks anew after each start.
 */
function isQuestion({ request, status, insists }: RequestEntry): boolean {
  return request.verb === 'apply' && status === 409 && insists.onVersion;
}

/** The started program has read what it wants to read. */
async function untilIdle({ journal }: FaultProxy, timing: Timing): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (journal.idleMs() < timing.quietMs && performance.now() < deadline) await sleep(POLL_MS);
}
