import { openSync, closeSync, writeSync } from 'node:fs';
import { EXIT_BAD_INPUT, MAX_RESULT_BYTES } from '@slipway/crds/result';
import { FetchError } from './failure.ts';
import type { Fetched } from './fetch-model.ts';

export type Result =
  | ({ readonly ok: true } & Fetched)
  | { readonly ok: false; readonly reason: string; readonly message: string };

export interface Ending {
  readonly result: Result;
  readonly exitCode: number;
}

export function ending(cause: unknown): Ending {
  const known = cause instanceof FetchError;
  const message = cause instanceof Error ? cause.message : String(cause);
  const result = { ok: false, reason: known ? cause.reason : 'InternalError', message: cut(message) } as const;
  return { result, exitCode: known && !cause.again ? EXIT_BAD_INPUT : 1 };
}

/** Half of what fits is a long sentence, and leaves room for the rest of the result. */
function cut(message: string): string {
  const most = MAX_RESULT_BYTES / 2;
  if (Buffer.byteLength(JSON.stringify(message)) <= most) return message;
  return `${cut(message.slice(0, Math.floor(message.length * 0.9) - 1).replace(/…$/, ''))}…`;
}

/** Where Kubernetes looks for a container's last words; elsewhere the file is not there, and none is made. */
export function writeResult(file: string, line: string): void {
  try {
    const handle = openSync(file, 'r+');
    writeSync(handle, line);
    closeSync(handle);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}
