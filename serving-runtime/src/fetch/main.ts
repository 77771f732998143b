/** `fetch`: brings a model into a pod, as its init container. One command, one result. */
import { createHash } from 'node:crypto';
import { readConfig, USAGE } from './config.ts';
import type { Config } from './config.ts';
import { FetchError } from './failure.ts';
import { fetchModel } from './fetch-model.ts';
import { startProgress } from './progress.ts';
import type { Counters, ProgressFields } from './progress.ts';
import { ending, writeResult } from './result.ts';
import type { Ending } from './result.ts';
import { openSource } from './sources/open-source.ts';

/** A JSON object a line, as all of our programs in pods. */
function log(message: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), msg: message, ...fields })}\n`);
}

/** At a terminal one line that is written anew. */
function tellProgress(fields: ProgressFields): void {
  if (!process.stdout.isTTY) return log('progress', fields);
  const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  const of = fields.totalBytes === undefined ? '' : ` of ${mib(fields.totalBytes)}`;
  const left = fields.secondsLeft === undefined ? '' : `, ${fields.secondsLeft} s left`;
  const line = `${fields.files} files, ${mib(fields.bytes)}${of}, ${mib(fields.bytesPerSecond)}/s${left}`;
  process.stdout.write(`\r\u001b[K${line}${fields.secondsLeft === 0 ? '\n' : ''}`);
}

async function run(config: Config, signal: AbortSignal): Promise<Ending> {
  const counters: Counters = { files: 0, totalFiles: 0, bytes: 0, totalBytes: undefined };
  const progress = startProgress(counters, config.progressMs, tellProgress);
  try {
    const source = await openSource(config, process.env);
    try {
      const { cache: folder, cacheMaxBytes: maxBytes } = config;
      const key = createHash('sha256').update(`${config.given}\0${config.unpack}`).digest('hex');
      const cache = folder === undefined ? undefined : { folder, maxBytes, key };
      const fetched = await fetchModel({ ...config, source, cache }, { signal, log, counters, pauseFactor: 1 });
      return { result: { ok: true, ...fetched }, exitCode: 0 };
    } finally {
      source.close();
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof FetchError)) process.stderr.write(`${(cause as Error).stack ?? String(cause)}\n`);
    return ending(cause);
  } finally {
    progress.stop();
  }
}

/** A process that is the first of its container hears no signal that it does not ask for. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.once(signal, () => {
      process.exitCode = code;
      stop.abort(new Error(`stopped by ${signal}`));
    });
  }
  return stop.signal;
}

async function main(args: readonly string[]): Promise<void> {
  const config = readConfig(args);
  if (config === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const signal = stopOnSignal();
  const { result, exitCode } = await run(config, signal);
  finish({ result, exitCode }, config.resultFile);
}

function finish({ result, exitCode }: Ending, resultFile: string): void {
  const line = JSON.stringify(result);
  writeResult(resultFile, line);
  process.stdout.write(`${line}\n`);
  process.exitCode = exitCode;
}

try {
  await main(process.argv.slice(2));
} catch (cause) {
  if (cause instanceof FetchError) finish(ending(cause), '/dev/termination-log');
  else if (process.exitCode === undefined) {
    process.stderr.write(`${(cause as Error).message}\n--help lists the options.\n`);
    process.exitCode = 2;
  }
}
