/** A model server as a process of its own, for tests: a repository in a temporary folder, ports of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface RunningServer {
  readonly url: string;
  /** Folder of its models. */
  readonly repository: string;
  readonly ports: { readonly http: number; readonly grpc: number; readonly metrics: number; readonly admin?: number };
  readonly process: ChildProcess;
  /** Every line that it logged so far. */
  readonly log: readonly Record<string, unknown>[];
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  post(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; json: Record<string, unknown>; headers: Headers }>;
  stop(): Promise<void>;
}

/** Flags of Node that the image starts it with. */
export const NODE_FLAGS = ['--max-semi-space-size=16'] as const;

/** Path in the repository (`add/1/model.onnx`) -> bytes. Resolves when the server has said that it is ready, or that it is not. */
export async function startServer(
  files: Readonly<Record<string, Uint8Array>>,
  flags: readonly string[] = [],
): Promise<RunningServer> {
  const repository = mkdtempSync(join(tmpdir(), 'slipway-models-'));
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), bytes);
  }
  const main = join(import.meta.dirname, '..', 'main.ts');
  const ports = ['--http-port=0', '--grpc-port=0', '--metrics-port=0', '--host=127.0.0.1'];
  const child = spawn(process.execPath, [...NODE_FLAGS, main, '--model-repository', repository, ...ports, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Inherited, it would keep the test runner waiting for a server that a failed test has left behind.
  child.stderr.pipe(process.stderr);
  const log: Record<string, unknown>[] = [];
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const settled = new Promise<void>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      log.push(entry);
      if (entry['msg'] === 'ready' || entry['msg'] === 'not ready') resolve();
    });
  });
  await Promise.race([settled, ended]);
  const listening = log.find((entry) => entry['msg'] === 'listening')?.['ports'] as RunningServer['ports'] | undefined;
  if (listening === undefined) throw new Error('the server did not start');
  const url = `http://127.0.0.1:${listening.http}`;
  return {
    url,
    repository,
    ports: listening,
    process: child,
    log,
    ended,
    post: async (path, body, headers = {}) => {
      const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
      const response = await fetch(`${url}${path}`, { method: 'POST', body: bytes, headers });
      return {
        status: response.status,
        json: (await response.json()) as Record<string, unknown>,
        headers: response.headers,
      };
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(repository, { recursive: true, force: true });
    },
  };
}
