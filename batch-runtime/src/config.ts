/** Reads the command line and the environment; nothing else of this package does. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { BATCH_COMMANDS } from '@slipway/crds/batch';
import type { BatchCommand } from '@slipway/crds/batch';
import { BatchError } from './failure.ts';

export const USAGE = `usage: node batch-runtime/src/main.ts COMMAND [--result-file FILE]

The request is JSON in the environment variable SLIPWAY_REQUEST; the result goes to FILE (/dev/termination-log).

commands: ${Object.keys(BATCH_COMMANDS).join(', ')}
`;

/** Where Kubernetes looks for a container's last words. */
export const DEFAULT_RESULT_FILE = '/dev/termination-log';

export interface Config {
  readonly command: BatchCommand;
  readonly request: unknown;
  readonly resultFile: string;
  /** Which pod of an indexed Job this is. */
  readonly index: number;
  /** What DuckDB may hold in memory, in bytes, beside Node itself. */
  readonly memoryLimit: number;
}

function isCommand(name: string | undefined): name is BatchCommand {
  return name !== undefined && Object.hasOwn(BATCH_COMMANDS, name);
}

/** @throws {BatchError} RequestInvalid */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): Config {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { 'result-file': { type: 'string', default: DEFAULT_RESULT_FILE } },
  });
  const [command] = positionals;
  if (!isCommand(command)) throw new BatchError('RequestInvalid', `No such command: ${command ?? '(none)'}`);
  return {
    command,
    request: parseRequest(env['SLIPWAY_REQUEST']),
    resultFile: values['result-file'],
    index: Number(env['JOB_COMPLETION_INDEX'] ?? 0),
    memoryLimit: Math.floor((containerMemory() ?? totalmem()) * 0.6),
  };
}

function parseRequest(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    throw new BatchError('RequestInvalid', 'The environment variable SLIPWAY_REQUEST holds no JSON');
  }
}

/** The limit of the container's cgroup, version 2 or 1; undefined for none. */
function containerMemory(): number | undefined {
  for (const file of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    try {
      const limit = Number(readFileSync(file, 'utf8'));
      if (Number.isFinite(limit) && limit < totalmem()) return limit;
    } catch {
      // The other version.
    }
  }
  return undefined;
}
