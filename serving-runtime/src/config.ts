/** The command line of the model server; nothing else is read from outside. */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { z } from 'zod';

export const USAGE = `usage: node serving-runtime/src/main.ts --model-repository DIR [options]

Serves ONNX models by the Open Inference Protocol v2 over HTTP and gRPC.

  --model-repository DIR   holds <model>/<version>/model.onnx
  --http-port N            HTTP/1.1, and gRPC on the same port (8080)
  --grpc-port N            gRPC alone (9000)
  --metrics-port N         Prometheus, at /metrics (8002)
  --host ADDRESS           what to listen on (0.0.0.0)
  --revision NAME          told in the header x-slipway-revision of every answer
  --settings JSON|FILE     settings of all models, for example '{"instances": 2}':
                             instances         sessions that run at the same time (1)
                             threads           threads of ONNX Runtime within one run (1)
                             maxQueuedRequests, maxQueuedBytes   beyond them: 503 (1024, 268435456)
  --drain-seconds N        after SIGTERM: not ready, but still answering, for this long (5)
  --log-level LEVEL        debug, info, warn, error (info)
`;

const count = z.number().int().min(1);

const ModelSettings = z.strictObject({
  instances: count.max(64).default(1),
  threads: count.max(64).default(1),
  maxQueuedRequests: count.default(1024),
  maxQueuedBytes: count.default(256 * 1024 * 1024),
});

const port = z.coerce.number().int().min(0).max(65_535);

const Config = z.strictObject({
  'model-repository': z.string().min(1),
  'http-port': port.default(8080),
  'grpc-port': port.default(9000),
  'metrics-port': port.default(8002),
  host: z.string().default('0.0.0.0'),
  revision: z.string().max(253).optional(),
  settings: ModelSettings,
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
  const parsed = Config.safeParse({ ...values, settings: readSettings(values['settings'] as string | undefined) });
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('\n'));
}

function readSettings(given: string | undefined): unknown {
  if (given === undefined) return {};
  const text = existsSync(given) ? readFileSync(given, 'utf8') : given;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('--settings is neither a file that exists nor valid JSON');
  }
}
