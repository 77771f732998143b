/** The data ports with TLS, over both protocols and both transports. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthority } from '../testing/certificates.ts';
import type { Pair } from '../testing/certificates.ts';
import { grpcClient } from '../testing/grpc-client.ts';
import { addModel } from '../testing/onnx-model.ts';
import { startServer } from '../testing/running-server.ts';
import type { RunningServer } from '../testing/running-server.ts';

const root = mkdtempSync(join(tmpdir(), 'slipway-tls-'));
afterAll(() => rmSync(root, { recursive: true }));
const authority = createAuthority(root);
const client = authority.issue('URI:spiffe://slipway/caller');
const file = (name: string, content: string): string => {
  writeFileSync(join(root, name), content);
  return join(root, name);
};
const pair = authority.issue('DNS:localhost,IP:127.0.0.1');
const flags = [`--tls-cert-file=${file('tls.crt', pair.cert)}`, `--tls-key-file=${file('tls.key', pair.key)}`];

const ROW = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [2, 3] }] });

function infer(port: number, identity: Partial<Pair> = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/v2/models/add/infer',
      ca: authority.pem,
      agent: false as const,
    };
    request({ ...options, ...identity }, (response) => resolve(json(response)))
      .on('error', reject)
      .end(ROW);
  });
}

async function inferByGrpc(port: number, identity?: Pair): Promise<unknown> {
  const [key, cert] = identity === undefined ? [null, null] : [Buffer.from(identity.key), Buffer.from(identity.cert)];
  const calls = grpcClient(port, 'inference', credentials.createSsl(Buffer.from(authority.pem), key, cert));
  try {
    const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', contents: { fp32_contents: [2, 3] } }];
    return (await calls.call('ModelInfer', { model_name: 'add', inputs }, { timeoutMs: 5000 })).answer['outputs'];
  } finally {
    calls.close();
  }
}

const FIVE = { outputs: [expect.objectContaining({ data: [5] })] };

describe.each(['own', 'node'])('TLS with the transport %s', (transport) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ 'add/1/model.onnx': addModel() }, [...flags, `--transport=${transport}`]);
  });
  afterAll(() => server.stop());

  it('is spoken on both ports, in both protocols', async () => {
    expect(await infer(server.ports.http)).toMatchObject(FIVE);
    expect(await inferByGrpc(server.ports.http)).toHaveLength(1);
    expect(await inferByGrpc(server.ports.grpc)).toHaveLength(1);
  });

  it('carries WebSockets', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${server.ports.http}/v2/models/add/stream`, { ca: authority.pem });
    const answer = await new Promise((resolve, reject) => {
      socket.once('open', () => socket.send(ROW)).once('message', (data: Buffer) => resolve(JSON.parse(String(data))));
      socket.once('error', reject);
    });
    socket.close();

    expect(answer).toMatchObject(FIVE);
  });

  it('leaves metrics and health to those who watch, and tells when the certificate expires', async () => {
    const watch = async (path: string) => fetch(`http://127.0.0.1:${server.ports.metrics}${path}`);

    expect(await (await watch('/v2/health/ready')).json()).toEqual({ ready: true });
    expect(await (await watch('/v2/health/live')).json()).toEqual({ live: true });
    expect(await (await watch('/metrics')).text()).toMatch(/slipway_tls_certificate_not_after_seconds \d{10}/);
  });
});

describe.each(['own', 'node'])('certificates of clients with the transport %s', (transport) => {
  let server: RunningServer;
  beforeAll(async () => {
    const ca = `--tls-client-ca-file=${file('ca.crt', authority.pem)}`;
    const names = '--allowed-client-names=a.example,spiffe://slipway/caller';
    server = await startServer({ 'add/1/model.onnx': addModel() }, [...flags, ca, names, `--transport=${transport}`]);
  });
  afterAll(() => server.stop());

  it('let a client in that has one of the authority', async () => {
    expect(await infer(server.ports.http, client)).toMatchObject(FIVE);
    expect(await inferByGrpc(server.ports.grpc, client)).toHaveLength(1);
  });

  it('have to have a name that is allowed', async () => {
    const other = authority.issue('URI:spiffe://slipway/other');

    expect(await infer(server.ports.http, other)).toEqual({
      error: expect.stringContaining('no name in the certificate'),
    });
    await expect(inferByGrpc(server.ports.grpc, other)).rejects.toMatchObject({ code: 7 });
  });

  it('keep all others out', async () => {
    const folder = mkdtempSync(join(root, 'other-'));
    const stranger = createAuthority(folder).issue('URI:spiffe://slipway/caller');

    await expect(infer(server.ports.http)).rejects.toThrow();
    await expect(infer(server.ports.http, stranger)).rejects.toThrow();
    await expect(inferByGrpc(server.ports.grpc)).rejects.toThrow();
    await expect(inferByGrpc(server.ports.grpc, stranger)).rejects.toThrow();
  });
});
