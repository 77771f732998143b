/**
 * What one writes in an afternoon: grpc-js, and `session.run` in the method. Arguments: the model's file, its name for the protocol.
 * Tells its port.
 */
import { join } from 'node:path';
import { loadPackageDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import type { GrpcObject, ServiceClientConstructor, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { InferenceSession, Tensor } from 'onnxruntime-node';

interface InferRequest {
  readonly id: string;
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly raw_input_contents: readonly Buffer[];
}

const [path = '', name = ''] = process.argv.slice(2);
const session = await InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1 });

async function infer({ id, inputs, raw_input_contents: raw }: InferRequest): Promise<object> {
  const feeds = Object.fromEntries(
    inputs.map((input, index) => {
      const bytes = new Uint8Array(raw[index] ?? []);
      return [input.name, new Tensor('float32', new Float32Array(bytes.buffer), input.shape)];
    }),
  );
  const results = await session.run(feeds);
  const outputs = Object.entries(results).map(([output, { dims }]) => ({
    name: output,
    datatype: 'FP32',
    shape: dims,
  }));
  const contents = Object.values(results).map(({ data }) => {
    const { buffer, byteOffset, byteLength } = data as Float32Array;
    return Buffer.from(buffer, byteOffset, byteLength);
  });
  return { model_name: name, model_version: '1', id, outputs, raw_output_contents: contents };
}

const protocol = join(import.meta.dirname, '../../../../serving-runtime/src/protocol/proto/inference.proto');
const definition = loadPackageDefinition(loadSync(protocol, { keepCase: true, longs: Number, defaults: true }));
const Service = (definition['inference'] as GrpcObject)['GRPCInferenceService'] as ServiceClientConstructor;
const server = new Server({ 'grpc.max_receive_message_length': -1 });
server.addService(Service.service, {
  ModelInfer: ({ request }: ServerUnaryCall<InferRequest, object>, done: sendUnaryData<object>) => {
    infer(request).then(
      (answer) => done(null, answer),
      (cause: unknown) => done({ code: 13, message: String(cause) }),
    );
  },
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (cause, port) => {
  if (cause !== null) throw cause;
  process.send?.({ port });
});
process.on('disconnect', () => process.exit(0));
