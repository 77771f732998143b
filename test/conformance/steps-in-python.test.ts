/** The steps of examples/pre-and-postprocessing as processes, with the example's model between them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { startServer } from '@slipway/serving-runtime/testing/running-server';
import type { RunningServer } from '@slipway/serving-runtime/testing/running-server';
import { load, loadAll } from 'js-yaml';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';

const examples = join(import.meta.dirname, '../../examples');

interface Step {
  readonly port: number;
  /** Resolves with its exit code. */
  stop(): Promise<number | null>;
}

interface VersionYaml {
  readonly spec: { readonly serve: Record<'before' | 'after', { readonly command: readonly string[] }> };
}

/** Started as the ModelVersion says, and told what pods of the operator tell. */
async function startStep(name: 'before' | 'after'): Promise<Step> {
  const file = join(examples, 'pre-and-postprocessing/1-model-version.yaml');
  const [, ...args] = (load(readFileSync(file, 'utf8')) as VersionYaml).spec.serve[name].command;
  const child = spawn('python3', args, {
    cwd: join(examples, 'pre-and-postprocessing/steps'),
    env: { ...process.env, SLIPWAY_MODEL_NAME: 'fare', SLIPWAY_HTTP_PORT: '0', PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    port: Number(/listening on port (\d+)/.exec(line)?.[1]),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

function exampleModel(): Buffer {
  const [configMap] = loadAll(readFileSync(join(examples, 'serve-onnx/2-model-file.yaml'), 'utf8')) as [
    { readonly binaryData: Readonly<Record<string, string>> },
  ];
  return Buffer.from(configMap.binaryData['model.onnx'] ?? '', 'base64');
}

let steps: readonly Step[] = [];
let server: RunningServer;
beforeAll(async () => {
  const [before, after] = await Promise.all([startStep('before'), startStep('after')]);
  steps = [before, after];
  const urlOf = ({ port }: Step) => ({ url: `http://127.0.0.1:${port}` });
  const settings = { instances: 1, steps: { before: urlOf(before), after: urlOf(after) } };
  server = await startServer({ 'fare/1/model.onnx': exampleModel() }, [`--settings=${JSON.stringify(settings)}`]);
});
afterAll(async () => {
  await server.stop();
  await Promise.all(steps.map((step) => step.stop()));
});

const rides = (...data: string[]) => [{ name: 'ride', shape: [data.length], datatype: 'BYTES', data }];

it('answers what the README says', async () => {
  const inputs = rides('3.1 miles in 12 minutes', '0.8 miles in 6 minutes');
  const { json } = await server.post('/v2/models/fare/infer', { parameters: { currency: 'EUR' }, inputs });
  expect(json).toMatchObject({ outputs: [{ name: 'price', data: ['11.36 EUR', '5.85 EUR'] }] });

  const v1 = await server.post('/v1/models/fare:predict', { instances: ['3.1 miles in 12 minutes'] });
  expect(v1.json).toEqual({ predictions: ['12.62 USD'] });
});

it('answers over gRPC', async () => {
  const client = grpcClient(server.ports.grpc);
  onTestFinished(() => client.close());
  const contents = { bytes_contents: [Buffer.from('0.8 miles in 6 minutes')] };
  const inputs = [{ name: 'ride', datatype: 'BYTES', shape: [1], contents }];
  const { answer } = await client.call('ModelInfer', { model_name: 'fare', inputs });
  expect(answer).toMatchObject({ outputs: [{ contents: { bytes_contents: [Buffer.from('6.50 USD')] } }] });
});

it('tells a client in the words of a step what is wrong', async () => {
  const refused = await server.post('/v2/models/fare/infer', { inputs: rides('to the airport') });
  const error = 'before: "to the airport" is no ride; write it as "3.1 miles in 12 minutes"';
  expect([refused.status, refused.json]).toEqual([400, { error }]);
});

it('has steps that end when they are told', async () => {
  const step = await startStep('before');
  expect(await step.stop()).toBe(0);
});
