/** What grpcurl and its like ask for; grpcurl itself was tried by hand. */
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { describedFile } from './described-file.ts';
import { reflectionMethods } from './reflection-methods.ts';
import type { StreamingCall } from './rpc.ts';

const SERVICES = ['inference.GRPCInferenceService', 'grpc.health.v1.Health'];

async function ask(request: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  const answers: object[] = [];
  const call = { send: async (answer: object) => void answers.push(answer) } as Partial<StreamingCall> as StreamingCall;
  const { streaming = {} } = reflectionMethods(SERVICES, ['inference.proto', 'health.proto'].map(describedFile));
  const requests = (async function* once() {
    yield { ...request, message_request: Object.keys(request)[0] } as never;
  })();
  await streaming['ServerReflectionInfo']?.(requests, call);
  return answers[0] as Record<string, unknown>;
}

async function fileOf(request: Readonly<Record<string, string>>) {
  const answer = (await ask(request)) as { file_descriptor_response: { file_descriptor_proto: Uint8Array[] } };
  return fromBinary(
    FileDescriptorProtoSchema,
    answer.file_descriptor_response.file_descriptor_proto[0] ?? new Uint8Array(),
  );
}

describe('reflection', () => {
  it('lists the services', async () => {
    expect(await ask({ list_services: '*' })).toMatchObject({
      list_services_response: { service: SERVICES.map((name) => ({ name })) },
    });
  });

  it.each([
    [{ file_by_filename: 'health.proto' }, 'health.proto'],
    [{ file_containing_symbol: 'grpc.health.v1.Health.Watch' }, 'health.proto'],
    [{ file_containing_symbol: 'inference.ModelInferRequest.InferInputTensor' }, 'inference.proto'],
    [{ file_containing_symbol: 'inference.DataType' }, 'inference.proto'],
  ])('%j finds %s', async (request, name) => {
    expect((await fileOf(request)).name).toBe(name);
  });

  it.each([
    [{ file_containing_symbol: 'inference.Nothing' }, 5],
    [{ file_by_filename: '../config.ts' }, 5],
    [{ all_extension_numbers_of_type: 'inference.DataType' }, 12],
  ])('%j is an error with code %i', async (request, code) => {
    expect(await ask(request)).toMatchObject({ error_response: { error_code: code } });
  });

  it('has the service, and entries of maps as protobuf calls them', async () => {
    const { service, messageType } = await fileOf({ file_by_filename: 'inference.proto' });
    const request = messageType.find(({ name }) => name === 'ModelInferRequest');

    expect(service[0]?.method.map(({ name }) => name)).toContain('ModelStreamInfer');
    expect(request?.nestedType.map(({ name }) => name)).toContain('ParametersEntry');
    expect(request?.field.find(({ name }) => name === 'parameters')?.typeName).toMatch(/ParametersEntry$/);
  });
});
