/** Settings of our model server in its own words and units, so that `1m` and `60s` are the same revision. */
import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { z } from 'zod';
import type { Reason } from '../../conditions.ts';
import { secondsOf } from '../../go-duration.ts';

type Asked = DeepReadonly<InferenceService>['spec']['settings'];

const WarmUp = z.record(
  z.string(),
  z.object({ shape: z.array(z.number()), data: z.array(z.union([z.number(), z.string(), z.boolean()])) }),
);

/** What goes to `--settings`. What is not asked for stays absent: the server knows what holds then. */
export const ServerSettings = z.object({
  instances: z.number().int(),
  threads: z.number().int().optional(),
  maxBatchRows: z.number().int().optional(),
  maxQueuedRows: z.number().int().optional(),
  maxQueuedBytes: z.number().int().optional(),
  timeoutSeconds: z.number().optional(),
  maxRunSeconds: z.number().optional(),
  isolation: z.enum(['thread', 'process', 'none']).optional(),
  cacheBytes: z.number().int().optional(),
  warmUp: z.array(WarmUp).optional(),
});
export type ServerSettings = z.infer<typeof ServerSettings>;

export function serverSettings(asked: Asked): ServerSettings {
  const { instances, threads, maxBatch, maxQueued, maxQueuedMemory, timeout, maxRunTime, cache } = asked;
  const settings = {
    instances,
    threads,
    maxBatchRows: maxBatch,
    maxQueuedRows: maxQueued,
    maxQueuedBytes: maxQueuedMemory && bytesOf(maxQueuedMemory),
    timeoutSeconds: timeout && secondsOf(timeout),
    maxRunSeconds: maxRunTime && secondsOf(maxRunTime),
    isolation: asked.isolation && ISOLATION[asked.isolation],
    cacheBytes: cache && bytesOf(cache),
    warmUp: asked.warmUp?.map(warmUpRequest),
  };
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as unknown as ServerSettings;
}

const ISOLATION = { Thread: 'thread', Process: 'process', None: 'none' } as const;
const UNITS: Readonly<Record<string, number>> = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 };

function bytesOf(memory: string): number {
  return Number(memory.slice(0, -2)) * (UNITS[memory.slice(-2)] ?? Number.NaN);
}

function warmUpRequest({ inputs }: NonNullable<Asked['warmUp']>[number]): object {
  return Object.fromEntries(inputs.map(({ name, shape, data }) => [name, { shape, data }]));
}

/** They are one argument of a process, of which Linux takes 128 KiB. */
const MAX_TEXT = 100_000;

/** What the schema cannot see: elements of warm-up requests, and how much it is all together. */
export function settingsProblem({ warmUp = [], ...rest }: Asked): Reason | undefined {
  const inputs = warmUp.flatMap((request) => request.inputs);
  const wrong = inputs.find(({ data }) => data.some((each) => !['number', 'string', 'boolean'].includes(typeof each)));
  if (wrong !== undefined) {
    const message = `spec.settings.warmUp: the data of input "${wrong.name}" must be numbers, strings, true and false, in one flat list.`;
    return { reason: 'SettingsInvalid', message };
  }
  if (Buffer.byteLength(JSON.stringify(serverSettings({ ...rest, warmUp }))) <= MAX_TEXT) return undefined;
  const message = `spec.settings.warmUp: the requests have more than ${MAX_TEXT} bytes as JSON; take fewer rows.`;
  return { reason: 'SettingsInvalid', message };
}
