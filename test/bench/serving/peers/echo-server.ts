/** A process that echoes over gRPC, with HTTP/2 of our own, of Node, or with grpc-js. Tells its port. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { createGrpcListener } from '../../../../serving-runtime/src/transport/grpc/grpc-listener.ts';
import type { Rpc } from '../../../../serving-runtime/src/transport/grpc/rpc.ts';
import { createNodeListener } from '../../../../serving-runtime/src/transport/http2/node-listener.ts';
import { createOwnListener } from '../../../../serving-runtime/src/transport/http2/own-listener.ts';
import { ECHO_PATH } from '../rows/echo.ts';

const ECHO: Rpc = {
  kind: 'unary',
  decode: (bytes) => bytes,
  method: (request: Buffer) => request,
  encode: (message) => {
    const body = message as Buffer;
    const framed = Buffer.allocUnsafe(5 + body.length);
    framed[0] = 0;
    framed.writeUInt32BE(body.length, 1);
    framed.set(body, 5);
    return framed;
  },
};

function listenWith(createListener: typeof createNodeListener): Promise<number> {
  const rpcs = new Map([[ECHO_PATH, ECHO]]);
  const failureOf = (cause: unknown) => ({ code: 13, message: String(cause) });
  const { take } = createListener(createGrpcListener(rpcs, { answerFields: () => [], failureOf }));
  const server = createServer({ noDelay: true }, take);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function listenWithGrpcJs(): Promise<number> {
  const server = new Server();
  const asItIs = (bytes: Buffer) => bytes;
  const codec = {
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
  const method = { path: ECHO_PATH, requestStream: false, responseStream: false, ...codec };
  server.addService(
    { Echo: method },
    { Echo: (call: { request: Buffer }, done: (cause: null, answer: Buffer) => void) => done(null, call.request) },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (cause, port) =>
      cause === null ? resolve(port) : reject(cause),
    );
  });
}

const kind = process.argv[2];
const port =
  kind === 'grpc-js'
    ? await listenWithGrpcJs()
    : await listenWith(kind === 'own' ? createOwnListener : createNodeListener);
process.on('disconnect', () => process.exit(0));
process.send?.({ port });
