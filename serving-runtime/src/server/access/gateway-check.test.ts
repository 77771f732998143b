/** A server that takes requests from gateways alone: over every protocol, with tokens that it checks by itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type { KnownGateways } from '@slipway/crds/known-gateways';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { grpcClient } from '../../testing/grpc-client.ts';
import { addModel } from '../../testing/onnx-model.ts';
import { startServer } from '../../testing/running-server.ts';
import type { RunningServer } from '../../testing/running-server.ts';
import { createAuthorize } from './access.ts';
import { createGatewayCheck } from './gateway-check.ts';
import { createStaticTokens } from './static-tokens.ts';

const HEADER = 'x-slipway-gateway-token';
const GATEWAY = 'system:serviceaccount:slipway-system:slipway-gateway';
const KNOWN = { issuer: 'https://kubernetes.default.svc.cluster.local', audience: 'slipway:team-a/fare' };

interface Pair {
  readonly sign: (claims?: Partial<Record<'iss' | 'aud' | 'sub', string>>, expiresIn?: number) => Promise<string>;
  readonly file: Buffer;
}

async function pair(kid: string): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const key = { ...(await exportJWK(publicKey)), kty: 'RSA', kid, alg: 'RS256', use: 'sig' };
  const known: KnownGateways = { ...KNOWN, subjects: [GATEWAY], keys: [key] };
  return {
    file: Buffer.from(JSON.stringify(known)),
    sign: ({ iss = KNOWN.issuer, aud = KNOWN.audience, sub = GATEWAY } = {}, expiresIn = 300) =>
      new SignJWT({ iss, aud, sub })
        .setProtectedHeader({ alg: 'RS256', kid })
        .setExpirationTime(Math.floor(Date.now() / 1000) + expiresIn)
        .sign(privateKey),
  };
}

const first = await pair('first');
const second = await pair('second');

describe('a token', () => {
  it('of a gateway for this service is taken, the second time without a question', async () => {
    const { check } = createGatewayCheck(first.file);
    const token = await first.sign();

    expect(check(token)).toBeInstanceOf(Promise);
    expect(await check(token)).toBeUndefined();
    expect(check(token)).toBeUndefined();
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ['for another service', () => first.sign({ aud: 'slipway:team-a/other' }), /"aud"/],
    ['of another service account', () => first.sign({ sub: 'system:serviceaccount:web:checkout' }), /of no gateway/],
    ['of another cluster', () => first.sign({ iss: 'https://other.example' }), /"iss"/],
    ['that has expired', () => first.sign({}, -90), /expired/],
    ['that others have signed', () => second.sign(), /not valid/],
    ['that is none', () => Promise.resolve('secret'), /not valid/],
  ])('%s is refused, also the second time', async (_, token, message) => {
    const { check } = createGatewayCheck(first.file);
    const refused = { code: 'Unauthenticated', message: expect.stringMatching(message) as string };

    await expect(check(await token())).rejects.toMatchObject(refused);
    await expect(check(await token())).rejects.toMatchObject(refused);
  });

  it('that was verified counts no longer than the keys do', async () => {
    const { check, use } = createGatewayCheck(first.file);
    const token = await first.sign();
    await check(token);
    use(second.file);

    await expect(check(token)).rejects.toMatchObject({ code: 'Unauthenticated' });
    expect(await check(await second.sign())).toBeUndefined();
    expect(() => use(Buffer.from('{"keys": []}'))).toThrow('the file of gateways must be');
    expect(await check(await second.sign())).toBeUndefined();
  });

  it('of a gateway does not stand for that of the client, nor the other way round', async () => {
    const tokens = [createStaticTokens(Buffer.from('a-token-that-nobody-guesses')).check];
    const authorize = createAuthorize({ tokens, clientNames: [], checkGateway: createGatewayCheck(first.file).check });
    const gatewayToken = await first.sign();
    const authorization = 'Bearer a-token-that-nobody-guesses';
    const ask = async (given: object) =>
      authorize?.({ authorization: undefined, gatewayToken: undefined, peerNames: [], ...given });

    expect(await ask({ gatewayToken, authorization })).toEqual({ identity: undefined });
    await expect(ask({ gatewayToken })).rejects.toThrow('a token is needed');
    await expect(ask({ authorization })).rejects.toThrow('through the gateways');
  });
});

describe('a server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-gateways-'));
  const row = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [2, 3] }] };
  let server: RunningServer;

  beforeAll(async () => {
    writeFileSync(join(folder, 'gateways.json'), first.file);
    server = await startServer({ 'add/1/model.onnx': addModel() }, [
      `--gateways-file=${join(folder, 'gateways.json')}`,
    ]);
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  const rest = async (headers: Readonly<Record<string, string>>) =>
    (await server.post('/v2/models/add/infer', row, headers)).status;
  const grpc = async (token?: string) => {
    const client = grpcClient(server.ports.grpc);
    const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', contents: { fp32_contents: [2, 3] } }];
    const metadata = new Metadata();
    if (token !== undefined) metadata.set(HEADER, token);
    const { answer } = await client
      .call('ModelInfer', { model_name: 'add', inputs }, { metadata })
      .catch(({ code }: ServiceError) => ({ answer: code }))
      .finally(() => client.close());
    return answer;
  };
  const webSocket = (headers: Readonly<Record<string, string>>) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.ports.http}/v2/models/add/stream`, { headers });
      socket.once('open', () => resolve('open')).once('error', ({ message }) => resolve(message));
      socket.once('open', () => socket.close());
    });

  it('answers a gateway', async () => {
    const token = await first.sign();

    expect(await rest({ [HEADER]: token })).toBe(200);
    expect(await grpc(token)).toMatchObject({ model_name: 'add' });
    expect(await webSocket({ [HEADER]: token })).toBe('open');
  });

  it('refuses all others, also with a token that a gateway has for another server', async () => {
    const other = await first.sign({ aud: 'slipway:team-b/fare' });

    expect([await rest({}), await rest({ [HEADER]: other })]).toEqual([401, 401]);
    expect([await grpc(), await grpc(other)]).toEqual([16, 16]);
    expect(await webSocket({})).toContain('401');
  });

  it('says to a kubelet how it is', async () => {
    expect((await fetch(`${server.url}/v2/health/ready`)).status).toBe(200);
    expect((await fetch(`${server.url}/v2/health/live`)).status).toBe(200);
  });
});
