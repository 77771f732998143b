/** Messages of gRPC that are no protobuf, or another than the method takes, to every method that there is. */
import { credentials, Client } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTarget } from '../testing/target.ts';
import type { Target } from '../testing/target.ts';

const MIB = 1024 * 1024;
const INFERENCE = '/inference.GRPCInferenceService';
const METHODS = [
  'ServerLive',
  'ServerReady',
  'ServerMetadata',
  'ModelReady',
  'ModelMetadata',
  'ModelConfig',
  'ModelStatistics',
  'ModelInfer',
  'ModelStreamInfer',
]
  .map((method) => `${INFERENCE}/${method}`)
  .concat('/grpc.health.v1.Health/Check', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo');
const ADMIN_METHODS = ['RepositoryIndex', 'RepositoryModelLoad', 'RepositoryModelUnload'].map(
  (method) => `${INFERENCE}/${method}`,
);
const STREAMS = /ModelStreamInfer|ServerReflectionInfo/;

describe.each(['own', 'node'])('over HTTP/2 of %s', (transport) => {
  let target: Target;
  let data: Client;
  let admin: Client;
  beforeAll(async () => {
    target = await startTarget(['--admin-port=0', `--transport=${transport}`]);
    const { grpc, admin: adminPort } = target.server.ports;
    [data, admin] = [grpc, adminPort].map(
      (port) => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 }),
    ) as [Client, Client];
  });
  afterAll(async () => {
    data.close();
    admin.close();
    await target.stop();
  });
  afterEach(() => target.expectWell());

  const asItIs = (bytes: Buffer) => bytes;

  /** `answered`, or what the call ended with. */
  const send = (client: Client, path: string, message: Buffer): Promise<string> =>
    new Promise((resolve) => {
      const fail = ({ code, details }: Pick<ServiceError, 'code' | 'details'>) => resolve(`${code} ${details}`);
      if (STREAMS.test(path)) {
        const stream = client.makeBidiStreamRequest(path, asItIs, asItIs);
        stream
          .on('data', () => {})
          .on('error', (cause) => fail(cause as ServiceError))
          .on('end', () => resolve('answered'));
        stream.write(message);
        stream.end();
      } else {
        client.makeUnaryRequest(path, asItIs, asItIs, message, (cause) =>
          cause === null ? resolve('answered') : fail(cause),
        );
      }
    });
  const toAll = async (message: Buffer): Promise<string[]> =>
    Promise.all([
      ...METHODS.map((path) => send(data, path, message)),
      ...ADMIN_METHODS.map((path) => send(admin, path, message)),
    ]);

  it.each<[string, Buffer]>([
    ['groups in groups', Buffer.alloc(MIB - 1, 0x7b)],
    ['groups that end', Buffer.concat([Buffer.alloc(200_000, 0x7b), Buffer.alloc(200_000, 0x7c)])],
    ['a number of eleven bytes', Buffer.from([0x78, ...Array.from({ length: 10 }, () => 0xff), 1])],
    ['a wire type that there is not', Buffer.of(0x7e, 1)],
    ['field 0', Buffer.of(0x00, 1)],
    ['a length that is more than there is', Buffer.of(0x0a, 100, 0x61)],
    ['a length that wraps', Buffer.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x61)],
    ['half a tag', Buffer.of(0x80)],
    ['half a fixed number', Buffer.of(0x79, 1, 2, 3)],
  ])('what is no protobuf is refused by every method: %s', async (_, message) => {
    expect(new Set(await toAll(message))).toEqual(new Set(['3 the message is not valid protobuf for this method']));
  });

  it('names that are no text, or no names, are refused', async () => {
    const notUtf8 = Buffer.of(0x0a, 2, 0xc3, 0x28);
    // A number where the name belongs, and then what would be a name if it were the length of one.
    const notName = Buffer.of(0x08, 1, 0x61);

    for (const path of ['ModelReady', 'ModelMetadata', 'ModelConfig', 'ModelStatistics', 'ModelInfer']) {
      expect(await send(data, `${INFERENCE}/${path}`, notUtf8)).toBe('3 a text in the message is not valid UTF-8');
      expect(await send(data, `${INFERENCE}/${path}`, notName)).toMatch(/^3 the message is not valid protobuf/);
    }
  });

  it('a name that was cut short is not taken for another', async () => {
    // "half" within a message that says it has a name of eight bytes.
    expect(await send(admin, `${INFERENCE}/RepositoryModelUnload`, Buffer.from('\x12\x08half'))).toMatch(/^3 /);
    expect(await send(data, `${INFERENCE}/ModelReady`, Buffer.from('\x0a\x04half'))).toBe('answered');
  });

  it('methods without tensors take no message of megabytes', async () => {
    const flood = Buffer.alloc(8 * MIB, Buffer.of(0x0a, 0x00));
    const answers = [...METHODS, ...ADMIN_METHODS]
      .filter((path) => !path.includes('Infer'))
      .map((path) => send(ADMIN_METHODS.includes(path) ? admin : data, path, flood));

    expect(new Set(await Promise.all(answers))).toEqual(
      new Set(['8 a message has 8388608 bytes; at most 1048576 are allowed']),
    );
  });
});
