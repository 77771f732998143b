/** Keeps samples in files of a folder, from the decision to the disk. */
import type { Logger } from '@slipway/kube';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { GatewayMetrics } from '../proxy/metrics.ts';
import { SampleMemory } from './body-start.ts';
import { createSampler } from './sampler.ts';
import type { Sampler } from './sampler.ts';
import { createSampleDisk } from './sample-disk.ts';
import type { SampleDisk } from './sample-disk.ts';
import { createSampleFolder } from './sample-folder.ts';
import type { FolderLimits, FolderMetrics } from './sample-folder.ts';
import { ownerOf } from './sample-name.ts';
import { createSampleWriter } from './sample-writer.ts';

export interface SamplingOptions {
  readonly folder: string;
  /** Bytes that the folder may take; four fifths of it are used, since others write into it, too, and disks need some for themselves. */
  readonly sizeLimit: number;
  /** Files go after so many milliseconds. */
  readonly retentionMs: number;
  readonly hostName: string;
  /** Eight hexadecimal digits. */
  readonly incarnation: string;
  readonly registry: Registry;
  readonly metrics: GatewayMetrics;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Default: that of the folder. */
  readonly disk?: SampleDisk;
  /** Default: 32 MiB of samples that are not written yet; files of 16 MiB and 15 minutes. */
  readonly limits?: Partial<Omit<FolderLimits, 'retentionMs'>> & { readonly memoryBytes?: number };
}

export interface Sampling {
  readonly sampler: Sampler;
  /** Writes what waits and finishes all files. Resolves when that is done, or cannot be in two seconds. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
const MEMORY_BYTES = 32 * MIB;
const MAX_FILE_BYTES = 16 * MIB;
const MAX_AGE_MS = 15 * 60_000;
const USED_SHARE = 0.8;
/** So that the oldest can go without half of the samples. */
const FILES_AT_LEAST = 8;

export function startSampling(options: SamplingOptions): Sampling {
  const { registry, metrics, log, now, wallClock, hostName, incarnation, sizeLimit, retentionMs } = options;
  const { disk = createSampleDisk(options.folder) } = options;
  const { memoryBytes = MEMORY_BYTES, ...given } = options.limits ?? {};
  const maxBytes = given.maxBytes ?? sizeLimit * USED_SHARE;
  const limits = { maxBytes, maxFileBytes: Math.min(MAX_FILE_BYTES, maxBytes / FILES_AT_LEAST), maxAgeMs: MAX_AGE_MS };
  const memory = new SampleMemory(memoryBytes);
  const folder = createSampleFolder({
    disk,
    writer: { owner: ownerOf(hostName), incarnation },
    limits: { ...limits, ...given, retentionMs },
    metrics: folderMetrics(registry),
    now,
    wallClock,
  });
  const writer = createSampleWriter({ folder, memory, metrics, log });
  return {
    sampler: createSampler({ memory, metrics, deliver: writer.write, now, wallClock }),
    close: writer.close,
  };
}

function folderMetrics(registry: Registry): FolderMetrics {
  const registers = [registry];
  const bytes = new Gauge({
    name: 'slipway_gateway_sample_bytes',
    help: 'What all files of samples take on the disk',
    registers,
  });
  const removed = new Counter({
    name: 'slipway_gateway_sample_files_removed_total',
    help: 'Files of samples that were removed, for their age (age) or because others needed the room (space)',
    labelNames: ['reason'],
    registers,
  });
  return { bytes: (all) => bytes.set(all), removed: (reason) => removed.inc({ reason }) };
}
