/** What a collector of OpenTelemetry gets to see of requests, over every protocol. */
import { startCollector } from '@slipway/telemetry/testing/collector.ts';
import type { Collector, CollectedSpan } from '@slipway/telemetry/testing/collector.ts';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { grpcClient } from '../testing/grpc-client.ts';
import { addModel, pickyModel } from '../testing/onnx-model.ts';
import { startServer } from '../testing/running-server.ts';
import type { RunningServer } from '../testing/running-server.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;
const SECRET = 98765;
const ROWS = { id: 'four', inputs: [{ name: 'x', shape: [2, 2], datatype: 'FP32', data: [2, 3, 4, SECRET] }] };
const WIRE = {
  model_name: 'add',
  id: 'wire',
  inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', contents: { fp32_contents: [1, SECRET] } }],
};
const SERVER = 2;
const FAILED = 2;

let collector: Collector;
let server: RunningServer;
let requestId: string | null;

/** Some requests, after which the server ends, so that all of their spans are here. */
beforeAll(async () => {
  collector = await startCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.endpoint);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
  server = await startServer({ 'add/1/model.onnx': addModel(), 'picky/1/model.onnx': pickyModel() }, [
    '--access-log=all',
    '--drain-seconds=0',
  ]);
  vi.unstubAllEnvs();
  await askHttp();
  await askGrpc();
  await askWebSocket();
  server.process.kill('SIGTERM');
  await server.ended;
});
afterAll(async () => {
  await server.stop();
  collector.close();
});

async function askHttp(): Promise<void> {
  const answer = await server.post('/v2/models/add/versions/1/infer?secret=1', ROWS, { traceparent: TRACEPARENT });
  requestId = answer.headers.get('x-request-id');
  await server.post('/v2/models/none/infer', ROWS);
  await fetch(`${server.url}/nowhere`);
  await fetch(`${server.url}/v2/health/ready`);
}

async function askGrpc(): Promise<void> {
  const client = grpcClient(server.ports.grpc);
  const metadata = new Metadata();
  metadata.set('traceparent', TRACEPARENT);
  await client.call('ModelInfer', WIRE, { metadata });
  await client.call('ModelInfer', { ...WIRE, model_name: 'none' }).catch(() => {});
  await client.call('RepositoryIndex', {}).catch(() => {});
  await client.call('ServerReady', {});
  const stream = client.stream('ModelStreamInfer');
  stream.send(WIRE);
  stream.send(WIRE);
  stream.end();
  while ((await stream.next()) !== undefined);
  client.close();
}

async function askWebSocket(): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.ports.http}/v2/models/add/stream`, {
    headers: { traceparent: TRACEPARENT },
  });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify(ROWS));
  await new Promise((resolve) => socket.once('message', resolve));
  socket.terminate();
}

const spansCalled = (name: string) => collector.spans.filter((span) => span.name === name);

function spanCalled(name: string): CollectedSpan {
  const [span] = spansCalled(name);
  if (span === undefined)
    throw new Error(`no span ${name} among ${collector.spans.map((each) => each.name).join(', ')}`);
  return span;
}

function namesBelow({ spanId }: CollectedSpan): string[] {
  return collector.spans.filter(({ parentSpanId }) => parentSpanId === spanId).map(({ name }) => name);
}

const INFER = 'POST /v2/models/{model}/versions/{version}/infer';

describe('a request over HTTP', () => {
  it('is a span below that of its client, by the conventions, with the model and its request id', () => {
    const { traceId, parentSpanId, kind, attributes, status, resource } = spanCalled(INFER);

    expect([traceId, parentSpanId, kind]).toEqual([TRACE, PARENT, SERVER]);
    expect(attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v2/models/{model}/versions/{version}/infer',
      'http.response.status_code': 200,
      'url.path': '/v2/models/add/versions/1/infer',
      'client.address': '127.0.0.1',
      'slipway.model.name': 'add',
      'slipway.model.version': '1',
      'slipway.rows': 2,
      'slipway.request.id': requestId,
    });
    expect(status.code).not.toBe(FAILED);
    expect(resource['service.name']).toBe('slipway-serving-runtime');
  });

  it('says where its time went', () => {
    const below = collector.spans.filter(({ parentSpanId }) => parentSpanId === spanCalled(INFER).spanId);

    expect(below.map(({ name }) => name).toSorted()).toEqual(['queue', 'run']);
    expect(below.find(({ name }) => name === 'run')?.attributes).toEqual({
      'slipway.model.name': 'add',
      'slipway.model.version': '1',
      'slipway.inference.id': 'four',
      'slipway.inference.rows': 2,
      'slipway.batch.rows': 2,
    });
  });

  it('that the client got wrong says so, and is no failure of the server', () => {
    const { attributes, status } = spanCalled('POST /v2/models/{model}/infer');

    expect(attributes).toMatchObject({
      'http.response.status_code': 404,
      'slipway.error.message': 'there is no model "none"',
    });
    expect(status.code).not.toBe(FAILED);
    expect(spanCalled('GET').attributes).toMatchObject({ 'http.response.status_code': 404, 'url.path': '/nowhere' });
  });

  it('is in the access log with its trace', () => {
    expect(server.log.find((line) => line['requestId'] === requestId)?.['traceId']).toBe(TRACE);
  });
});

describe('a call over gRPC', () => {
  const METHOD = 'inference.GRPCInferenceService/ModelInfer';

  it('is a span below that of its client, with its inference below it', () => {
    const { traceId, parentSpanId, kind, attributes } = spanCalled(METHOD);

    expect([traceId, parentSpanId, kind]).toEqual([TRACE, PARENT, SERVER]);
    expect(attributes).toMatchObject({
      'rpc.system.name': 'grpc',
      'rpc.method': METHOD,
      'rpc.status_code': 'OK',
      'slipway.model.name': 'add',
    });
    expect(namesBelow(spanCalled(METHOD)).toSorted()).toEqual(['queue', 'run']);
  });

  it('tells what failed by its status', () => {
    expect(spansCalled(METHOD)[1]).toMatchObject({
      attributes: { 'rpc.status_code': 'NOT_FOUND', 'slipway.error.message': 'there is no model "none"' },
    });
    expect(spanCalled('grpc')).toMatchObject({
      attributes: {
        'rpc.method': '_OTHER',
        'rpc.method_original': 'inference.GRPCInferenceService/RepositoryIndex',
        'rpc.status_code': 'UNIMPLEMENTED',
        'error.type': 'UNIMPLEMENTED',
      },
      status: { code: FAILED },
    });
  });

  it('that is a stream is one span with all its inferences', () => {
    const stream = spanCalled('inference.GRPCInferenceService/ModelStreamInfer');

    expect(stream.attributes['slipway.rows']).toBe(2);
    expect(namesBelow(stream).toSorted()).toEqual(['queue', 'queue', 'run', 'run']);
  });
});

it('each frame of a WebSocket is a span', () => {
  const { traceId, attributes } = spanCalled('WebSocket /v2/models/{model}/stream');

  expect(traceId).toBe(TRACE);
  expect(attributes).toMatchObject({ 'network.protocol.name': 'websocket', 'slipway.request.id': 'four' });
});

it('probes are none, and nothing holds what was sent', () => {
  expect(collector.spans.map(({ name }) => name).filter((name) => /ready|live/i.test(name))).toEqual([]);
  expect(JSON.stringify(collector.spans)).not.toMatch(new RegExp(`${SECRET}|secret`));
});
