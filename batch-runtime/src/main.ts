/** What runs in Jobs and beside training pods: one command, one request, one result. */
import { BATCH_COMMANDS, EXIT_BAD_INPUT } from '@slipway/crds/batch';
import type { BatchCommand } from '@slipway/crds/batch';
import { buildDataset } from './commands/build-dataset.ts';
import { collect } from './commands/collect.ts';
import { evaluate } from './commands/evaluate.ts';
import { fetchFiles } from './commands/fetch.ts';
import { materialise } from './commands/materialise.ts';
import { publishModel } from './commands/publish-model.ts';
import { verifyModel } from './commands/verify-model.ts';
import { DEFAULT_RESULT_FILE, readConfig, USAGE } from './config.ts';
import type { Config } from './config.ts';
import { BatchError } from './failure.ts';
import { removeUnpublished } from './files/publish.ts';
import { writeResult } from './result.ts';
import { interruptQueries } from './tables/database.ts';

type Result = Readonly<Record<string, unknown>>;

async function run({ command, request, index, memoryLimit }: Config): Promise<Result> {
  const commands: Readonly<Record<BatchCommand, () => Promise<Result>>> = {
    materialise: () => materialise(checked('materialise', request), { memoryLimit, log }),
    'build-dataset': () => buildDataset(checked('build-dataset', request), { memoryLimit, log }),
    'publish-model': () => publishModel(checked('publish-model', request)),
    'verify-model': () => verifyModel(checked('verify-model', request)),
    evaluate: () => evaluate(checked('evaluate', request), { memoryLimit, log }),
    fetch: () => fetchFiles(checked('fetch', request)),
    collect: () => collect(checked('collect', request), index, terminated),
  };
  return commands[command]();
}

function checked<C extends BatchCommand>(
  command: C,
  request: unknown,
): ReturnType<(typeof BATCH_COMMANDS)[C]['request']['parse']> {
  const parsed = BATCH_COMMANDS[command].request.safeParse(request);
  if (parsed.success) return parsed.data as ReturnType<(typeof BATCH_COMMANDS)[C]['request']['parse']>;
  const [issue] = parsed.error.issues;
  throw new BatchError('RequestInvalid', `${issue?.path.join('.')}: ${issue?.message}`);
}

/** Progress goes to the log of the pod, a JSON object a line. */
function log(message: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), msg: message, ...fields })}\n`);
}

/** `collect` starts when its pod's main container has ended, which it learns by SIGTERM. */
function terminated(): Promise<void> {
  return new Promise((resolve) => {
    // Waiting for a signal alone does not keep a process alive.
    const alive = setInterval(() => {}, 3_600_000);
    const end = () => {
      clearInterval(alive);
      resolve();
    };
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
  });
}

/** Ends at once, and takes along what was begun. A process that is the first of its container hears no signal that it does not ask for. */
function stopOnSignal(): void {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.once(signal, () => {
      log('stopped', { signal });
      removeUnpublished();
      interruptQueries();
      process.exit(code);
    });
  }
}

async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0 || args.includes('--help')) {
    process.stdout.write(USAGE);
    return args.length === 0 ? 2 : 0;
  }
  let resultFile = DEFAULT_RESULT_FILE;
  try {
    const config = readConfig(args, process.env);
    ({ resultFile } = config);
    if (config.command !== 'collect') stopOnSignal();
    const result = await run(config);
    log('done', result);
    writeResult(resultFile, result);
    return 0;
  } catch (cause) {
    if (!(cause instanceof BatchError)) {
      process.stderr.write(`${cause instanceof Error ? cause.stack : String(cause)}\n`);
      return 1;
    }
    log(cause.message, { reason: cause.reason });
    writeResult(resultFile, { ok: false, reason: cause.reason, message: cause.message });
    return EXIT_BAD_INPUT;
  }
}

process.exitCode = await main(process.argv.slice(2));
// DuckDB keeps threads; nothing is left to do for them.
process.exit();
