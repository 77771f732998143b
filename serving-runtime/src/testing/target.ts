/** A server that is attacked, and the well-behaved client that it has to have an answer for afterwards. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { grpcClient } from './grpc-client.ts';
import { addModel, identityModel, productModel } from './onnx-model.ts';
import { startServer } from './running-server.ts';
import type { RunningServer } from './running-server.ts';

export interface Target {
  readonly server: RunningServer;
  /** Alive, ready, with right answers over both protocols, and nothing in its log that would be a fault of its own. */
  expectWell(): Promise<void>;
  /** Asks without pause while something else happens. Resolves with the number of answers, every one of which was right. */
  askDuring(attack: Promise<unknown>): Promise<number>;
  /** The most memory that it had so far, in bytes. (Linux says so.) */
  peakMemory(): number;
  stop(): Promise<void>;
}

/** A model for each type that is attacked, which answers what it gets, and `product`, whose result is larger than its inputs. */
const MODELS = {
  'add/1/model.onnx': addModel(),
  'text/1/model.onnx': identityModel('STRING'),
  'flag/1/model.onnx': identityModel('BOOL'),
  'tiny/1/model.onnx': identityModel('INT8'),
  'big/1/model.onnx': identityModel('INT64'),
  'natural/1/model.onnx': identityModel('UINT64'),
  'half/1/model.onnx': identityModel('FP16'),
  'single/1/model.onnx': identityModel('FP32'),
  'double/1/model.onnx': identityModel('FP64'),
  'matrix/1/model.onnx': identityModel('FP32', ['n', 'm']),
  'product/1/model.onnx': productModel(),
};

const ROW = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [2, 3] }] };
const ERROR_LEVEL = 50;

export async function startTarget(flags: readonly string[] = []): Promise<Target> {
  const server = await startServer(MODELS, flags);
  const client = grpcClient(server.ports.grpc);
  const askHttp = async () => expect((await server.post('/v2/models/add/infer', ROW)).json).toMatchObject(FIVE);
  let linesSeen = 0;
  return {
    server,
    peakMemory: () => {
      const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    },
    expectWell: async () => {
      const statuses = ['/v2/health/live', '/v2/health/ready'].map(
        async (path) => (await fetch(server.url + path)).status,
      );
      expect(await Promise.all(statuses)).toEqual([200, 200]);
      await askHttp();
      const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [2, 3] } }];
      const { answer } = await client.call('ModelInfer', { model_name: 'add', inputs });
      expect(answer).toMatchObject({ outputs: [{ contents: { fp32_contents: [5] } }] });
      const lines = server.log.slice(linesSeen);
      linesSeen = server.log.length;
      expect(lines.filter(({ level }) => Number(level) >= ERROR_LEVEL)).toEqual([]);
    },
    askDuring: async (attack) => {
      let isOver = false;
      let answers = 0;
      void attack.finally(() => (isOver = true)).catch(() => {});
      while (!isOver) {
        await askHttp();
        answers += 1;
      }
      return answers;
    },
    stop: async () => {
      client.close();
      await server.stop();
    },
  };
}

const FIVE = { outputs: [{ data: [5] }] };
