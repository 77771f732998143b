/** Takes samples from those who answer requests, and writes them when the disk has time: nobody waits for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@slipway/kube';
import type { DropReason, GatewayMetrics } from '../proxy/metrics.ts';
import type { SampleMemory } from './body-start.ts';
import type { Sample } from './sample.ts';
import type { SampleFolder } from './sample-folder.ts';
import { sampleLine } from './sample-line.ts';
import { folderOf } from './sample-name.ts';

export interface SampleWriterDeps {
  readonly folder: SampleFolder;
  readonly memory: SampleMemory;
  readonly metrics: Pick<GatewayMetrics, 'sampled' | 'sampleDropped'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export interface SampleWriter {
  write(sample: Sample): void;
  /** Finishes all files. Resolves when that is done, or cannot be in two seconds. */
  close(): Promise<void>;
}

/** So much is made into text between two turns of the event loop. */
const BATCH_BYTES = 256 * 1024;
const TIDY_MS = 10_000;
/** Other gateways may write into the same folder. */
const LOOK_EVERY = 60;
const LAST_LINES_MS = 2_000;

export function createSampleWriter({ folder, memory, metrics, log }: SampleWriterDeps): SampleWriter {
  /** By the folder of their service. */
  const waiting = new Map<string, Sample[]>();
  /** What the disk has to do, one after the other, so that it holds at most one of the threads that all of Node's file work shares. */
  let last = Promise.resolve();
  let isWriting = false;
  let isTidying = false;
  let isFailing = false;
  let rounds = 0;

  /** Says a failure once, and again when there is none any more. */
  function tell(failure: string | undefined): void {
    if (isFailing === (failure !== undefined)) return;
    isFailing = failure !== undefined;
    if (isFailing) log.warn({ failure }, 'samples are lost: they cannot be written');
    else log.info({}, 'samples are written again');
  }

  function after(work: () => Promise<void>): void {
    last = last.then(work).catch((cause: Error) => tell(cause.message));
  }

  async function writeBatch(path: string, samples: readonly Sample[]): Promise<void> {
    let lost: DropReason | undefined;
    try {
      if (!(await folder.append(path, samples.map(sampleLine).join('')))) lost = 'full';
      tell(lost && 'the folder has as much as it may, and no file that could go');
    } catch (cause) {
      lost = 'disk';
      tell((cause as Error).message);
    }
    for (const { namespace, service: name, heldBytes } of samples) {
      memory.give(heldBytes);
      if (lost === undefined) metrics.sampled({ namespace, name });
      else metrics.sampleDropped({ namespace, name }, lost);
    }
  }

  async function writeWaiting(): Promise<void> {
    for (let batch = takeBatch(waiting); batch !== undefined; batch = takeBatch(waiting))
      await writeBatch(batch.path, batch.samples);
    isWriting = false;
  }

  async function tidy(): Promise<void> {
    isTidying = false;
    if (rounds % LOOK_EVERY === 0) await folder.look();
    rounds += 1;
    await folder.tidy();
  }

  function tidySoon(): void {
    if (isTidying) return;
    isTidying = true;
    after(tidy);
  }

  tidySoon();
  const timer = setInterval(tidySoon, TIDY_MS).unref();
  return {
    write: (sample) => {
      const path = folderOf(sample.namespace, sample.service);
      if (path === undefined) {
        memory.give(sample.heldBytes);
        metrics.sampleDropped({ namespace: sample.namespace, name: sample.service }, 'disk');
        return;
      }
      const before = waiting.get(path);
      if (before === undefined) waiting.set(path, [sample]);
      else before.push(sample);
      if (isWriting) return;
      isWriting = true;
      after(writeWaiting);
    },
    close: async () => {
      clearInterval(timer);
      after(() => folder.close());
      await Promise.race([last, sleep(LAST_LINES_MS, undefined, { ref: false })]);
    },
  };
}

/** Of one service; the others have their turn before it has the next. */
function takeBatch(
  waiting: Map<string, Sample[]>,
): { readonly path: string; readonly samples: readonly Sample[] } | undefined {
  const [first] = waiting;
  if (first === undefined) return undefined;
  const [path, samples] = first;
  let bytes = 0;
  const beyond = samples.findIndex(({ heldBytes }, index) => (bytes += heldBytes) > BATCH_BYTES && index > 0);
  const batch = beyond < 0 ? samples : samples.slice(0, beyond);
  waiting.delete(path);
  if (beyond > 0) waiting.set(path, samples.slice(beyond));
  return { path, samples: batch };
}
