/** The command line of the model server; nothing else is read from outside. */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { z } from 'zod';
import { readSettings } from './engine/settings.ts';
import type { GivenSettings } from './engine/settings.ts';

export const USAGE = `usage: node serving-runtime/src/main.ts --model-repository DIR [options]

Serves ONNX models by the Open Inference Protocol v2 over HTTP and gRPC.

  --model-repository DIR   holds <model>/<version>/model.onnx
  --http-port N            HTTP/1.1, and gRPC on the same port (8080)
  --grpc-port N            gRPC alone (9000)
  --metrics-port N         Prometheus, at /metrics (8002)
  --host ADDRESS           what these listen on (0.0.0.0)
  --admin-port N           load and unload models, on 127.0.0.1 alone (closed)
  --cors-origins LIST      whose pages browsers may let ask: origins with commas between them, or * (none)
  --transport own|node     whose HTTP/2 gRPC is served with: our own, or that of Node (own)
  --revision NAME          told in the header x-slipway-revision of every answer
  --settings JSON|FILE     settings of all models, for example '{"instances": 2}'; <model>/config.yaml
                           says the same of one model, and wins:
                             instances         sessions that run at the same time (1)
                             threads           threads of ONNX Runtime within one run (1)
                             device            cpu or cuda (cpu)
                             isolation         thread, or process: can be killed when it hangs (thread)
                             maxBatchRows      rows of several requests that run together at most
                                               (measured when the model is loaded; 1: none)
                             maxQueuedRows, maxQueuedBytes   beyond them: 503 (4096, 268435456)
                             timeoutSeconds    after it a request that waits gets 504 (30)
                             maxRunSeconds     a run that takes longer is hung (60)
                             warmUp            requests that must succeed before it is ready:
                                               [{"<input>": {"shape": [1, 2], "data": [0, 1]}}]
                             cacheBytes        answers kept for equal requests (0)
  --memory-budget BYTES    all loaded models together; the one used longest ago is given up and
                           loaded again when it is asked (no bound)
  --drain-seconds N        after SIGTERM: not ready, but still answering, for this long (5)
  --log-level LEVEL        debug, info, warn, error (info)
`;

const port = z.coerce.number().int().min(0).max(65_535);

const Config = z.strictObject({
  'model-repository': z.string().min(1),
  'http-port': port.default(8080),
  'grpc-port': port.default(9000),
  'metrics-port': port.default(8002),
  'admin-port': port.optional(),
  'cors-origins': z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((origin) => origin !== '')),
  host: z.string().default('0.0.0.0'),
  transport: z.enum(['own', 'node']).default('own'),
  revision: z.string().max(253).optional(),
  settings: z.custom<GivenSettings>(),
  'memory-budget': z.coerce.number().int().min(1).optional(),
  'drain-seconds': z.coerce.number().min(0).max(3600).default(5),
  'log-level': z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});
export type Config = z.infer<typeof Config>;

/** @throws {Error} with sentences that name the flag. `help` when it was asked for. */
export function readConfig(args: readonly string[]): Config | 'help' {
  const names = Object.keys(Config.shape);
  const flags: ParseArgsOptionsConfig = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const options: ParseArgsOptionsConfig = { ...flags, help: { type: 'boolean', short: 'h' } };
  const values: Readonly<Record<string, unknown>> = parseArgs({ args: [...args], options }).values;
  if (values['help'] === true) return 'help';
  if (values['model-repository'] === undefined) throw new Error('--model-repository is missing');
  const parsed = Config.safeParse({ ...values, settings: settingsFlag(values['settings'] as string | undefined) });
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('\n'));
}

function settingsFlag(given: string | undefined): GivenSettings {
  const settings = given === undefined ? {} : parsedSettings(given);
  readSettings(settings, '--settings');
  return settings;
}

function parsedSettings(given: string): GivenSettings {
  const text = existsSync(given) ? readFileSync(given, 'utf8') : given;
  try {
    return JSON.parse(text) as GivenSettings;
  } catch {
    throw new Error('--settings is neither a file that exists nor valid JSON');
  }
}
