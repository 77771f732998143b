import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

interface Order {
  readonly port: number;
  readonly path: string;
  /** Of a message or body, in base64. */
  readonly bytes: string;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
  /** The processes of the server, whose processor time is counted. */
  readonly pids: readonly number[];
}

export type LoadOrder = Order &
  (
    | { readonly kind: 'grpc'; /** Of each connection. */ readonly inFlight: number }
    | { readonly kind: 'http'; readonly method: 'GET' | 'POST'; readonly pause?: number }
  );

export interface LoadResult {
  readonly perSecond: number;
  readonly failures: number;
  /** A call, of all threads of the server. */
  readonly serverCpuMicroseconds: number;
  /** 1: it had a processor for itself and was the narrow place. */
  readonly generatorCpuShare: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** @throws {Error} when an answer was a failure, or the server broke off: then the figures say nothing. */
export async function putLoad(order: LoadOrder): Promise<LoadResult> {
  const child = fork(join(import.meta.dirname, 'generator.ts'));
  const ended = once(child, 'exit').then(() => undefined);
  child.send(order);
  const message = await Promise.race([once(child, 'message'), ended]);
  if (message === undefined) throw new Error('the load generator ended before its time');
  const [result] = message as [LoadResult];
  if (result.failures > 0) throw new Error(`${result.failures} requests failed`);
  return result;
}
