/** Requests of one row a second that the model server answers, and how long they take, over REST and gRPC, with 16 at a time. */
import { Agent, request } from 'node:http';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { addModel } from '@slipway/serving-runtime/testing/onnx-model';
import { startServer } from '@slipway/serving-runtime/testing/running-server';

const CLIENTS = 16;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 5_000;

export async function benchServing(): Promise<void> {
  const server = await startServer({ 'add/1/model.onnx': addModel() });
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const grpc = grpcClient(server.ports.grpc);
  try {
    console.log(`REST  ${await measure(() => postRow(agent, server.ports.http))}`);
    console.log(`gRPC  ${await measure(() => grpc.call('ModelInfer', GRPC_ROW))}`);
  } finally {
    grpc.close();
    agent.destroy();
    await server.stop();
  }
}

const ROW = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] });
const GRPC_ROW = {
  model_name: 'add',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [1, 2] } }],
};

function postRow(agent: Agent, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ agent, port, method: 'POST', path: '/v2/models/add/infer' }, (response) => {
      response
        .resume()
        .on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`))));
    })
      .on('error', reject)
      .end(ROW);
  });
}

async function measure(ask: () => Promise<unknown>): Promise<string> {
  await askFor(WARM_UP_MS, ask);
  const times = (await askFor(MEASURED_MS, ask)).sort((a, b) => a - b);
  const quantile = (q: number) => (times[Math.floor(times.length * q)] ?? 0).toFixed(2);
  return `${Math.round((times.length * 1000) / MEASURED_MS)} requests/s, p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms (client and server share the machine)`;
}

/** Milliseconds that each answer took. */
async function askFor(milliseconds: number, ask: () => Promise<unknown>): Promise<number[]> {
  const end = performance.now() + milliseconds;
  const times: number[] = [];
  const client = async () => {
    while (performance.now() < end) {
      const started = performance.now();
      await ask();
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return times;
}
