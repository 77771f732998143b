/** How a model is served: for all models by `--settings`, for one by `<model>/config.yaml`, which wins field by field. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { load as parseYaml } from 'js-yaml';
import { z } from 'zod';

const count = z.number().int().min(1);
const value = z.union([z.number(), z.boolean(), z.string()]);

/** One request that is sent to each instance before it counts as ready. */
const WarmUp = z.record(z.string(), z.strictObject({ shape: z.array(z.number().int().min(0)), data: z.array(value) }));

/** It has the payloads of all clients, and no TLS: so nowhere but in the same pod. */
const stepAddress = z
  .string()
  .max(64)
  .regex(
    /^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):[1-9][0-9]{0,4}$/,
    'must be an address on this machine, such as http://127.0.0.1:9001',
  );
const step = z.strictObject({ url: stepAddress });

const Settings = z.strictObject({
  /** Sessions that run at the same time. */
  instances: count.max(64).default(1),
  /** Threads of ONNX Runtime within one run. */
  threads: count.max(64).default(1),
  device: z.enum(['cpu', 'cuda']).default('cpu'),
  /**
   * Where an instance runs. A process of its own can be killed when it hangs, and a crash of native code ends only itself. None is the
   * thread that answers the network, for models that take microseconds.
   */
  isolation: z.enum(['thread', 'process', 'none']).default('thread'),
  /** Rows of one run at most, over all requests that share it; 1 for none that share. Absent: measured when the model is loaded. */
  maxBatchRows: count.max(65_536).optional(),
  maxQueuedRows: count.default(4096),
  maxQueuedBytes: count.default(256 * 1024 * 1024),
  /** How long a request may take that names no deadline of its own. */
  timeoutSeconds: z.number().min(0.001).max(86_400).default(30),
  /** A run that takes longer counts as hung, and its instance is replaced. */
  maxRunSeconds: z.number().min(0.1).max(86_400).default(60),
  warmUp: z.array(WarmUp).max(16).default([]),
  /** Answers that are kept for requests that are equal to the last bit; 0 for none. */
  cacheBytes: z.number().int().min(0).default(0),
  /** Servers of the Open Inference Protocol that each request goes through on its way to the model, and each answer on its way back. */
  steps: z.strictObject({ before: step.optional(), after: step.optional() }).optional(),
});
export const ModelSettings = Settings.refine(({ isolation, instances }) => isolation !== 'none' || instances === 1, {
  path: ['instances'],
  message: 'there is one thread that answers the network; leave it out with isolation: none',
});
export type ModelSettings = z.infer<typeof ModelSettings>;
export type GivenSettings = z.input<typeof ModelSettings>;
export type WarmUpRequest = z.infer<typeof WarmUp>;

export const SETTINGS_FILE = 'config.yaml';
const MAX_FILE_BYTES = 1024 * 1024;

/** @throws {Error} with a sentence that names the field that is wrong. */
export function readSettings(given: unknown, source: string): ModelSettings {
  const parsed = ModelSettings.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Error(`${source}: ${parsed.error.issues.map(sentenceOf).join('; ')}`);
}

function sentenceOf({ code, path, message }: z.core.$ZodIssue): string {
  if (path.length > 0) return `${path.join('.')}: ${message}`;
  return code === 'unrecognized_keys' ? `${message}; there are ${NAMES}` : message;
}

const NAMES = Object.keys(Settings.shape).join(', ');

/** Settings of the model in `folder`. @throws {Error} */
export function modelSettings(folder: string, forAll: GivenSettings): ModelSettings {
  const file = join(folder, SETTINGS_FILE);
  if (!existsSync(file)) return readSettings(forAll, '--settings');
  if (statSync(file).size > MAX_FILE_BYTES) throw new Error(`${SETTINGS_FILE} is larger than ${MAX_FILE_BYTES} bytes`);
  const own: unknown = yamlOf(readFileSync(file, 'utf8')) ?? {};
  if (typeof own !== 'object' || Array.isArray(own)) throw new Error(`${SETTINGS_FILE} must hold names and values`);
  return readSettings({ ...forAll, ...own }, SETTINGS_FILE);
}

function yamlOf(text: string): unknown {
  try {
    return parseYaml(text);
  } catch {
    throw new Error(`${SETTINGS_FILE} is not valid YAML`);
  }
}
