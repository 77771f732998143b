/** Two clients of the Open Inference Protocol, as anybody would write them. */
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { ChannelOptions, ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface Answer {
  /** Probability of the second class, one a row. */
  readonly probabilities: readonly number[];
  readonly modelVersion: string;
}

export interface Client {
  ask(rows: readonly (readonly number[])[]): Promise<Answer>;
  close(): void;
}

interface RestAnswer {
  readonly model_version: string;
  readonly outputs: readonly { readonly name: string; readonly data: readonly number[] }[];
}

/** Where the gateways are, and the host name by which they know the service. */
export interface ServiceAddress {
  readonly port: number;
  readonly host: string;
}

export function createRestClient({ port, host }: ServiceAddress, model: string): Client {
  const agent = new Agent({ keepAlive: true });
  const post = (body: string) =>
    new Promise<RestAnswer>((resolve, reject) => {
      const path = `/v2/models/${model}/infer`;
      const options = { agent, port, host: '127.0.0.1', method: 'POST', path, headers: { host } };
      const sent = httpRequest(options, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text) as RestAnswer);
          else reject(new Error(`HTTP ${response.statusCode}: ${text.slice(0, 200)}`));
        });
      });
      sent.on('error', reject).end(body);
    });
  return {
    ask: async (rows) => {
      const input = { name: 'x', shape: [rows.length, rows[0]?.length ?? 0], datatype: 'FP32', data: rows.flat() };
      const answer = await post(JSON.stringify({ inputs: [input] }));
      const data = answer.outputs.find((output) => output.name === 'probabilities')?.data ?? [];
      return { probabilities: secondColumn(data), modelVersion: answer.model_version };
    },
    close: () => agent.destroy(),
  };
}

function secondColumn(data: readonly number[]): number[] {
  return data.filter((_, index) => index % 2 === 1);
}

interface GrpcAnswer {
  readonly model_version: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly contents: { readonly fp32_contents: readonly number[] };
  }[];
}

type ServiceClient = InstanceType<ServiceClientConstructor>;

const PROTO = join(import.meta.dirname, '..', '..', 'serving-runtime', 'src', 'protocol', 'proto', 'inference.proto');

/** The methods of GRPCInferenceService at a port of this machine. */
export function connectGrpc({ port, host }: ServiceAddress, options: ChannelOptions = {}): ServiceClient {
  const definition = loadPackageDefinition(loadSync(PROTO, { keepCase: true, longs: Number, arrays: true }));
  const { GRPCInferenceService } = definition['inference'] as unknown as Record<string, ServiceClientConstructor>;
  if (GRPCInferenceService === undefined) throw new Error(`${PROTO} has no GRPCInferenceService`);
  return new GRPCInferenceService(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.default_authority': host,
    ...options,
  });
}

export function createGrpcClient(address: ServiceAddress, model: string): Client {
  const client = connectGrpc(address);
  return {
    ask: (rows) =>
      new Promise((resolve, reject) => {
        const contents = { fp32_contents: rows.flat() };
        const input = { name: 'x', datatype: 'FP32', shape: [rows.length, rows[0]?.length ?? 0], contents };
        const done = (cause: Error | null, answer: GrpcAnswer) => {
          if (cause !== null) return reject(cause);
          const found = answer.outputs.find((output) => output.name === 'probabilities');
          resolve({
            probabilities: secondColumn(found?.contents.fp32_contents ?? []),
            modelVersion: answer.model_version,
          });
        };
        client['ModelInfer']?.({ model_name: model, inputs: [input] }, done);
      }),
    close: () => client.close(),
  };
}
