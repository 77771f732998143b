/** Row 11: mixed load for long, with models that come and go and clients that give up; what is left of it in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { startServer } from '@slipway/serving-runtime/testing/running-server';
import type { RunningServer } from '@slipway/serving-runtime/testing/running-server';
import { residentMebibytes } from '../../resources.ts';
import { MODELS, rowsFor } from '../models.ts';
import type { BenchModel } from '../models.ts';
import type { Figure, Row, RowOptions } from '../row.ts';

export const SOAK: Row = {
  number: 11,
  isLong: true,
  what: 'mixed load with load, unload and cancel: growth of RSS',
  measure,
};

/** The part of the time that counts as warm-up. */
const WARM_UP_PART = 0.25;
const SAMPLE_MS = 2_000;
const RELOAD_MS = 3_000;
/** Between requests of one client. */
const PAUSE_MS = 2;
const GIVE_UP_MS = 5;

async function measure({ minutes }: RowOptions): Promise<Figure[]> {
  const files = Object.values(MODELS).map((model) => [`${model.name}/1/model.onnx`, model.bytes] as const);
  const server = await startServer(Object.fromEntries(files), ['--admin-port=0']);
  try {
    const end = performance.now() + minutes * 60_000;
    const samples = sampleMemory(server, end);
    const counts = await Promise.all([
      askOverRest(server, MODELS.b, end),
      askOverGrpc(server, MODELS.c, end),
      askAndGiveUp(server, MODELS.d, end),
      comeAndGo(server, MODELS.a, end),
    ]);
    const kept = (await samples).filter(({ minute }) => minute >= minutes * WARM_UP_PART);
    const [first, last] = [kept[0]?.mebibytes ?? NaN, kept.at(-1)?.mebibytes ?? NaN];
    return [
      {
        what: `${minutes} min of ${SOAK.what} in 10 min, after warm-up`,
        value: slope(kept) * 10,
        unit: 'mebibytes',
        ask: 1,
        stretch: 0,
        isSmallerBetter: true,
        from: `${counts[0]} requests over REST, ${counts[1]} over gRPC, ${counts[2]} given up, ${counts[3]} times unloaded and loaded; RSS ${first.toFixed(0)} MiB at first, ${last.toFixed(0)} at the end, least squares over ${kept.length} samples`,
      },
    ];
  } finally {
    await server.stop();
  }
}

interface Sample {
  readonly minute: number;
  readonly mebibytes: number;
}

async function sampleMemory(server: RunningServer, end: number): Promise<Sample[]> {
  const started = performance.now();
  const samples: Sample[] = [];
  while (performance.now() < end) {
    const { now } = residentMebibytes(server.process.pid ?? 0);
    samples.push({ minute: (performance.now() - started) / 60_000, mebibytes: now });
    await sleep(SAMPLE_MS);
  }
  return samples;
}

/** MiB a minute, by least squares. */
function slope(samples: readonly Sample[]): number {
  const mean = (value: (sample: Sample) => number) =>
    samples.reduce((sum, each) => sum + value(each), 0) / samples.length;
  const [minute, mebibytes] = [mean((each) => each.minute), mean((each) => each.mebibytes)];
  const covariance = mean((each) => (each.minute - minute) * (each.mebibytes - mebibytes));
  return covariance / mean((each) => (each.minute - minute) ** 2);
}

async function repeat(end: number, pause: number, work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  while (performance.now() < end) {
    await work();
    count += 1;
    await sleep(pause);
  }
  return count;
}

function askOverRest(server: RunningServer, model: BenchModel, end: number): Promise<number> {
  let turn = 0;
  return repeat(end, PAUSE_MS, async () => {
    turn += 1;
    const { shape, data } = rowsFor(model, 1 + (turn % 4));
    const input = { name: model.input.name, shape, datatype: 'FP32', data: [...data] };
    const { status } = await server.post(`/v2/models/${model.name}/infer`, { inputs: [input] });
    if (status !== 200) throw new Error(`REST answered ${status}`);
  });
}

async function askOverGrpc(server: RunningServer, model: BenchModel, end: number): Promise<number> {
  const client = grpcClient(server.ports.grpc);
  const request = grpcRequest(model);
  try {
    return await repeat(end, PAUSE_MS, () => client.call('ModelInfer', request));
  } finally {
    client.close();
  }
}

async function askAndGiveUp(server: RunningServer, model: BenchModel, end: number): Promise<number> {
  const client = grpcClient(server.ports.grpc);
  const request = grpcRequest(model);
  try {
    return await repeat(end, PAUSE_MS, () =>
      client.call('ModelInfer', request, { timeoutMs: GIVE_UP_MS }).catch((cause: { readonly code?: number }) => {
        if (cause.code !== DEADLINE_EXCEEDED) throw cause;
      }),
    );
  } finally {
    client.close();
  }
}

const DEADLINE_EXCEEDED = 4;

async function comeAndGo(server: RunningServer, model: BenchModel, end: number): Promise<number> {
  const url = `http://127.0.0.1:${server.ports.admin}/v2/repository/models/${model.name}`;
  const { shape, data } = rowsFor(model, 1);
  const input = { name: model.input.name, shape, datatype: 'FP32', data: [...data] };
  return repeat(end, RELOAD_MS, async () => {
    for (const action of ['unload', 'load']) {
      const response = await fetch(`${url}/${action}`, { method: 'POST' });
      if (!response.ok) throw new Error(`${action} answered ${response.status}`);
    }
    const { status } = await server.post(`/v2/models/${model.name}/infer`, { inputs: [input] });
    if (status !== 200) throw new Error(`a model that was loaded answered ${status}`);
  });
}

function grpcRequest(model: BenchModel): object {
  const { shape, data } = rowsFor(model, 1);
  return {
    model_name: model.name,
    inputs: [{ name: model.input.name, datatype: 'FP32', shape }],
    raw_input_contents: [Buffer.from(data.buffer)],
  };
}
