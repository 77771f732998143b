/** What is measured: our server, the naive one, and ONNX Runtime alone, each a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@slipway/serving-runtime/testing/running-server';
import type { BenchModel } from './models.ts';

const PEERS = join(import.meta.dirname, 'peers');

export interface Served {
  readonly pid: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Rows of a run, on average, since the last time that it was asked. Of the naive server always 1. */
  rowsPerRun(): Promise<number>;
  stop(): Promise<void>;
}

/** Settings of a model that runs on the thread that answers the network. */
export const INLINE = { isolation: 'none' };

/** @param settings of the model, as in its `config.yaml`. */
export async function startSlipway(
  model: BenchModel,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Served> {
  const server = await startServer({
    [`${model.name}/1/model.onnx`]: model.bytes,
    [`${model.name}/config.yaml`]: Buffer.from(JSON.stringify(settings)),
  });
  if (server.log.every((entry) => entry['msg'] !== 'ready')) throw new Error('the server is not ready');
  let before = { rows: 0, runs: 0 };
  return {
    pid: server.process.pid ?? 0,
    grpcPort: server.ports.grpc,
    httpPort: server.ports.http,
    rowsPerRun: async () => {
      const now = await countsOf(`${server.url}/v2/models/${model.name}/stats`);
      const mean = (now.rows - before.rows) / (now.runs - before.runs);
      before = now;
      return mean;
    },
    stop: async () => {
      // Not killed at once: Node writes the profile that NODE_OPTIONS may ask for when it ends.
      server.process.kill('SIGTERM');
      await server.ended;
      await server.stop();
    },
  };
}

async function countsOf(url: string): Promise<{ rows: number; runs: number }> {
  const { model_stats: stats } = (await (await fetch(url)).json()) as {
    model_stats: readonly { readonly inference_count: number; readonly execution_count: number }[];
  };
  return { rows: Number(stats[0]?.inference_count), runs: Number(stats[0]?.execution_count) };
}

export async function startNaive(model: BenchModel): Promise<Served> {
  const file = writeModel(model);
  const child = fork(join(PEERS, 'naive-server.ts'), [file.path, model.name]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    pid: child.pid ?? 0,
    grpcPort: port,
    httpPort: 0,
    rowsPerRun: async () => 1,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
      file.remove();
    },
  };
}

export interface RawResult {
  readonly rowsPerSecond: number;
  /** A row. */
  readonly cpuMicroseconds: number;
}

/** What ONNX Runtime alone does on one thread, in runs of so many rows. */
export async function measureRaw(model: BenchModel, rows: number, milliseconds: number): Promise<RawResult> {
  const file = writeModel(model);
  const shape = JSON.stringify([rows, ...model.input.row]);
  const child = fork(join(PEERS, 'raw-loop.ts'), [file.path, model.input.name, shape, String(milliseconds)]);
  const [result] = (await once(child, 'message')) as [RawResult];
  file.remove();
  return result;
}

export function writeModel({ bytes }: BenchModel): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const path = join(folder, 'model.onnx');
  writeFileSync(path, bytes);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
