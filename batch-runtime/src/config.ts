/** The only module that reads the environment and the arguments of the process. */
import { readFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';

export interface Config {
  readonly command: string;
  /** The request as JSON text. */
  readonly request: string;
  /** Where the result goes; undefined: only to the log. */
  readonly resultFile: string | undefined;
  /** Index of the pod in its Indexed Job, a folder name. */
  readonly podIndex: string;
  /** `collect` copies at once and does not wait for SIGTERM. */
  readonly once: boolean;
  /** Where Stores are mounted, each as `<storesDir>/<store>`. */
  readonly storesDir: string;
  /** A folder for files that may vanish with the container. */
  readonly scratchDir: string;
  /** What this container may use, in bytes. */
  readonly memoryBytes: number;
}

export const USAGE = `Usage: node batch-runtime/src/main.ts COMMAND [--result-file FILE] [--once]
  COMMAND          materialise, build-dataset, publish-model, verify-model, fetch or collect
  --result-file    the result as one JSON object of at most 2 KiB is written here
  --once           collect: copy now instead of waiting for SIGTERM
The request is JSON in the environment variable SLIPWAY_REQUEST.`;

/** Reads a container's memory limit from its control group (version 2, then 1); the machine's memory where there is none. */
function memoryLimit(read: (path: string) => string): number {
  for (const path of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    try {
      const bytes = Number(read(path).trim());
      if (Number.isFinite(bytes) && bytes > 0) return Math.min(bytes, totalmem());
    } catch {
      // Not this version of control groups.
    }
  }
  return totalmem();
}

/**
 * Reads command, request and places.
 * @throws Error with the usage, when the arguments make no sense.
 */
export function readConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const rest = [...argv];
  const command = rest.shift();
  if (command === undefined || command.startsWith('-')) throw new Error(USAGE);
  let resultFile: string | undefined;
  let once = false;
  while (rest.length > 0) {
    const flag = rest.shift();
    if (flag === '--once') once = true;
    else if (flag === '--result-file' && rest[0] !== undefined) resultFile = rest.shift();
    else throw new Error(`Unknown argument ${String(flag)}.\n${USAGE}`);
  }
  const podIndex = env['JOB_COMPLETION_INDEX'] ?? '0';
  if (!/^[0-9]{1,9}$/.test(podIndex)) throw new Error('JOB_COMPLETION_INDEX must be a number.');
  return {
    command,
    request: env['SLIPWAY_REQUEST'] ?? '',
    resultFile,
    podIndex,
    once,
    storesDir: env['SLIPWAY_STORES_DIR'] ?? '/stores',
    scratchDir: tmpdir(),
    memoryBytes: memoryLimit((path) => readFileSync(path, 'utf8')),
  };
}
