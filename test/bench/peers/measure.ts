/** What each contender is asked to do, and what is noted of it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, type RunningContender, startContender } from './contender.ts';
import { noteName, type NoteObserver, type World } from './world.ts';

export interface Reconciling {
  /** Undefined of who begins with all of them at once, as is the next. */
  readonly perSecond: number | undefined;
  readonly processorMilliseconds: number | undefined;
  readonly requests: number;
  readonly peakMebibytes: number;
  /** Milliseconds from the answer to a touch to its status; only when asked for. */
  readonly latencies: readonly number[];
}

const NO_RATES = { perSecond: undefined, processorMilliseconds: undefined };

export interface ReconcileJob {
  readonly notes: number;
  readonly workers: number;
  readonly touches: number;
}

/** Touches that count for nothing, so that what a runtime compiles at its first changes does not. */
const WARM_UP_TOUCHES = 20;
/** Every pass that the last write sets off is over by then. */
const REST_MS = 1_000;
/** Who drops an error without trying again never comes to an end, in milliseconds. */
const LIMIT_MS = 300_000;

export async function measureReconciling(world: World, contender: Contender, job: ReconcileJob): Promise<Reconciling> {
  await world.makeNotes(job.notes);
  const observer = await world.observeNotes();
  const requestsBefore = await world.requests();
  const process = start(world, contender, ['reconcile', String(job.workers)]);
  try {
    let count = 0;
    const settle = (least: number) => observer.until((settled) => (count = settled.size) >= least);
    await inTime(process, settle(1), () => 'nothing');
    const first = { at: performance.now(), seconds: process.processorSeconds() };
    await inTime(process, settle(job.notes), () => `only ${count} of ${job.notes}`);
    const perSecond = ((job.notes - 1) * 1000) / (performance.now() - first.at);
    await sleep(REST_MS);
    const processorMilliseconds = ((process.processorSeconds() - first.seconds) * 1000) / job.notes;
    const requests = ((await world.requests()) - requestsBefore) / job.notes;
    const latencies = await inTime(process, touch(world, observer, job.touches), () => 'not all changes');
    const { peak: peakMebibytes } = process.residentMebibytes();
    const rates = contender.beginsAllAtOnce ? NO_RATES : { perSecond, processorMilliseconds };
    return { ...rates, requests, peakMebibytes, latencies };
  } finally {
    await process.stop();
    await observer.stop();
    await world.removeAll();
  }
}

async function touch(world: World, observer: NoteObserver, times: number): Promise<number[]> {
  const name = noteName(0);
  const latencies: number[] = [];
  for (let time = 0; times > 0 && time < times + WARM_UP_TOUCHES; time += 1) {
    const generation = await world.touchNote(name, `touch ${time}`);
    const answered = performance.now();
    await observer.until((settled) => settled.get(name) === generation);
    latencies.push(performance.now() - answered);
    await sleep(30); // at rest again
  }
  return latencies.slice(WARM_UP_TOUCHES);
}

export interface SyncingJob {
  readonly notes: number;
  readonly workers: number;
  /** At most; fewer where all had their first pass before. */
  readonly touches: number;
}

/** Who has no answer by then has let the change wait behind all the others, in milliseconds. */
export const LONGEST_LATENCY_MS = 20_000;

/** Milliseconds from the answer to a touch to its status, while all the other objects wait for their first pass. */
export async function measureWhileSyncing(world: World, contender: Contender, job: SyncingJob): Promise<number[]> {
  await world.makeNotes(job.notes);
  const observer = await world.observeNotes();
  const process = start(world, contender, ['reconcile', String(job.workers)]);
  const latencies: number[] = [];
  try {
    const touched = noteName(0);
    let waiting = job.notes;
    const seen = (generation: number) =>
      observer.until((settled) => {
        waiting = job.notes - settled.size;
        return (settled.get(touched) ?? 0) >= generation;
      });
    await inTime(process, seen(1), () => 'not even the first');
    while (waiting > 0 && latencies.length < job.touches && latencies.at(-1) !== LONGEST_LATENCY_MS) {
      const generation = await world.touchNote(touched, `touch ${latencies.length}`);
      const answered = performance.now();
      const longest = sleep(LONGEST_LATENCY_MS, undefined, { ref: false });
      await Promise.race([seen(generation), longest, process.unexpectedEnd]);
      latencies.push(Math.min(performance.now() - answered, LONGEST_LATENCY_MS));
    }
    return latencies;
  } finally {
    await process.stop();
    await observer.stop();
    await world.removeAll();
  }
}

export interface Filling {
  /** From the start of the process, as an operator that starts anew waits for it. */
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakMebibytes: number;
  readonly restMebibytes: number;
}

export async function measureFilling(world: World, contender: Contender, count: number): Promise<Filling> {
  const started = performance.now();
  const process = start(world, contender, ['sync', ...(contender.syncArguments ?? [])]);
  try {
    const found = await inTime(process, process.filled, () => 'no cache');
    const seconds = (performance.now() - started) / 1000;
    if (found < count) throw new Error(`${contender.name} found ${found} of ${count} objects`);
    await Promise.race([sleep(3_000), process.unexpectedEnd]);
    const { now: restMebibytes, peak: peakMebibytes } = process.residentMebibytes();
    return { seconds, processorSeconds: process.processorSeconds(), peakMebibytes, restMebibytes };
  } finally {
    await process.stop();
  }
}

async function inTime<T>(process: RunningContender, seen: Promise<T>, done: () => string): Promise<T> {
  const late = sleep(LIMIT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`${done()} was done after ${LIMIT_MS / 1000} s`);
  });
  return Promise.race([seen, process.unexpectedEnd, late]);
}

function start({ kubeconfigPath, folder }: World, contender: Contender, job: readonly string[]): RunningContender {
  return startContender(contender, job, { kubeconfigPath, logPath: join(folder, 'contender.log') });
}
