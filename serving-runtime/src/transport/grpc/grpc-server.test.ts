/** What gRPC has beside single inferences: streams, deadlines, Triton's extensions, model control, health that is watched. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grpcClient } from '../../testing/grpc-client.ts';
import type { GrpcClient } from '../../testing/grpc-client.ts';
import { addModel, identityModel, productModel } from '../../testing/onnx-model.ts';
import { startServer } from '../../testing/running-server.ts';
import type { RunningServer } from '../../testing/running-server.ts';

describe.each(['own', 'node'])('over HTTP/2 of %s', (transport) => {
  let server: RunningServer;
  let client: GrpcClient;
  beforeAll(async () => {
    server = await startServer(
      {
        'add/1/model.onnx': addModel(),
        'half/1/model.onnx': identityModel('FP16'),
        'product/1/model.onnx': productModel(),
      },
      ['--admin-port=0', `--transport=${transport}`],
    );
    client = grpcClient(server.ports.grpc);
  });
  afterAll(async () => {
    client.close();
    await server.stop();
  });

  const add = (a: number, b: number, more: object = {}) => ({
    model_name: 'add',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [a, b] } }],
    ...more,
  });
  const sumOf = (answer: unknown) => ({ infer_response: { outputs: [{ contents: { fp32_contents: [answer] } }] } });
  const slow = (more: object = {}) => {
    const size = 1_800;
    const matrix = (name: string) => ({ name, datatype: 'FP32', shape: [size, size] });
    const zeros = Buffer.alloc(size * size * 4);
    return { model_name: 'product', inputs: [matrix('a'), matrix('b')], raw_input_contents: [zeros, zeros], ...more };
  };

  it('says so when an answer has more than can be written one by one, and has it as bytes', async () => {
    const [rows, columns] = [Array(2100).fill(1) as number[], Array(2000).fill(1) as number[]];
    const inputs = [
      { name: 'a', datatype: 'FP32', shape: [2100, 1] },
      { name: 'b', datatype: 'FP32', shape: [1, 2000] },
    ];
    const typed = [rows, columns].map((values, index) => ({ ...inputs[index], contents: { fp32_contents: values } }));
    const raw = [rows, columns].map((values) => Buffer.from(Float32Array.from(values).buffer));

    await expect(client.call('ModelInfer', { model_name: 'product', inputs: typed })).rejects.toMatchObject({
      code: 3,
      details: expect.stringContaining('the outputs have 4200000 elements, and typed contents at most 4194304'),
    });
    const request = { model_name: 'product', inputs, raw_input_contents: raw };
    const [bytes] = (await client.call('ModelInfer', request)).answer['raw_output_contents'] as Buffer[];
    expect(bytes).toHaveLength(4 * 4_200_000);
  });

  describe('a stream', () => {
    it('answers while it is open, in the order of the requests, and says what failed in between', async () => {
      const stream = client.stream('ModelStreamInfer');
      stream.send(add(1, 2));
      expect(await stream.next()).toMatchObject(sumOf(3));
      stream.send(slow({ id: 'slow' }));
      stream.send(add(1, 2, { model_name: 'nope' }));
      stream.send(add(3, 4));

      expect(await stream.next()).toMatchObject({ infer_response: { id: 'slow' } });
      expect(await stream.next()).toMatchObject({ error_message: 'there is no model "nope"' });
      expect(await stream.next()).toMatchObject(sumOf(7));
      stream.end();
      expect(await stream.next()).toBeUndefined();
    });

    it('ends with the first failure where the client wants that', async () => {
      const stream = client.stream('ModelStreamInfer', { triton_grpc_error: 'true' });
      stream.send(add(1, 2, { model_name: 'nope' }));

      await expect(stream.next()).rejects.toMatchObject({ code: 5, details: 'there is no model "nope"' });
    });

    it('takes more requests than run at a time', async () => {
      const stream = client.stream('ModelStreamInfer');
      for (let number = 0; number < 300; number += 1) stream.send(add(number, 1));
      stream.end();

      for (let number = 0; number < 300; number += 1) expect(await stream.next()).toMatchObject(sumOf(number + 1));
      expect(await stream.next()).toBeUndefined();
    });
  });

  describe('a deadline', () => {
    it('of the call, or of its parameters, is told as such', async () => {
      await expect(client.call('ModelInfer', slow(), { timeoutMs: 30 })).rejects.toMatchObject({ code: 4 });
      await expect(
        client.call('ModelInfer', slow({ parameters: { timeout: { int64_param: 2_000 } } })),
      ).rejects.toMatchObject({ code: 4, details: 'there was no answer within 2 ms' });
    });
  });

  it('takes halves as raw contents', async () => {
    const request = { model_name: 'half', inputs: [{ name: 'x', datatype: 'FP16', shape: [1] }] };
    const { answer } = await client.call('ModelInfer', { ...request, raw_input_contents: [Buffer.from([0x00, 0x3c])] });

    expect(answer['raw_output_contents']).toEqual([Buffer.from([0x00, 0x3c])]);
  });

  it('says how a model is served, and what it has done', async () => {
    const { answer: config } = await client.call('ModelConfig', { name: 'add' });
    const { answer: one } = await client.call('ModelStatistics', { name: 'add' });
    const { answer: all } = await client.call('ModelStatistics', {});

    expect(config).toMatchObject({
      config: { name: 'add', backend: 'onnxruntime', input: [{ data_type: 'TYPE_FP32', dims: ['2'] }] },
    });
    expect(one).toMatchObject({
      model_stats: [{ name: 'add', inference_stats: { success: { count: expect.stringMatching(/\d/) } } }],
    });
    expect(all['model_stats']).toHaveLength(3);
  });

  describe('model control', () => {
    it('is on its own port, in the dialects of Triton and of KServe', async () => {
      const admin = grpcClient(server.ports.admin ?? 0);

      expect((await admin.call('RepositoryModelUnload', { model_name: 'half' })).answer).toEqual({
        model_name: 'half',
        isUnloaded: true,
      });
      await expect(client.call('ModelReady', { name: 'half' })).rejects.toMatchObject({ code: 5 });
      expect((await admin.call('RepositoryModelLoad', { repository_name: 'half' })).answer).toEqual({
        model_name: 'half',
        isLoaded: true,
      });
      expect((await admin.call('RepositoryIndex', {})).answer['models']).toHaveLength(3);
      await expect(admin.call('RepositoryModelLoad', { model_name: '../x' })).rejects.toMatchObject({ code: 3 });
      await expect(client.call('RepositoryModelUnload', { model_name: 'add' })).rejects.toMatchObject({ code: 12 });
      admin.close();
    });
  });

  it('tells a watcher of its health', async () => {
    const health = grpcClient(server.ports.grpc, 'health');
    const watch = health.watch('Watch', {});

    expect(await watch.next()).toEqual({ status: 'SERVING' });
    health.close();
  });
});
