/** Who may ask: over every protocol, with tokens that are listed and tokens that a provider has signed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { grpcClient } from '../../testing/grpc-client.ts';
import { addModel } from '../../testing/onnx-model.ts';
import { startServer } from '../../testing/running-server.ts';
import type { RunningServer } from '../../testing/running-server.ts';
import { alternativeNames } from '../../transport/peer.ts';
import { createAuthorize } from './access.ts';
import { createJwtCheck, localKeys, remoteKeys } from './jwt.ts';
import { createStaticTokens } from './static-tokens.ts';

const root = mkdtempSync(join(tmpdir(), 'slipway-access-'));
afterAll(() => rmSync(root, { recursive: true }));

const RULES = { issuer: 'https://issuer.example', audience: 'fare' };
const { publicKey, privateKey } = await generateKeyPair('ES256');
const KEYS: JSONWebKeySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] };

interface Wishes {
  readonly issuer?: string;
  readonly audience?: string;
  readonly expires?: number | undefined;
  readonly kid?: string;
}

const now = () => Math.floor(Date.now() / 1000);

function signed(wishes: Wishes = {}, key: Parameters<SignJWT['sign']>[0] = privateKey, alg = 'ES256'): Promise<string> {
  const { issuer = RULES.issuer, audience = RULES.audience, expires = now() + 300, kid = 'one' } = wishes;
  const token = new SignJWT({ sub: 'caller' }).setProtectedHeader({ alg, kid }).setIssuer(issuer).setAudience(audience);
  return ('expires' in wishes && wishes.expires === undefined ? token : token.setExpirationTime(expires)).sign(key);
}

describe('tokens of a provider', () => {
  const check = createJwtCheck(createLocalJWKSet(KEYS), RULES);

  it('tell who asks; a clock may be a minute off', async () => {
    expect(await check(await signed())).toEqual({ identity: 'caller' });
    expect(await check(await signed({ expires: now() - 30 }))).toEqual({ identity: 'caller' });
  });

  const other = generateKeyPair('ES256');
  const secret = new TextEncoder().encode(JSON.stringify(KEYS.keys[0]));
  it.each<[string, () => Promise<string> | string, string]>([
    ['expired', () => signed({ expires: now() - 90 }), 'the token has expired'],
    ['without an end', () => signed({ expires: undefined }), '"exp"'],
    ['of another issuer', () => signed({ issuer: 'https://other.example' }), '"iss"'],
    ['for another server', () => signed({ audience: 'other' }), '"aud"'],
    ['signed with another key', async () => signed({}, (await other).privateKey), 'not valid'],
    ['of an unknown key', () => signed({ kid: 'two' }), 'not valid'],
    ['signed with the public key as a secret', () => signed({}, secret, 'HS256'), 'not valid'],
    [
      'not signed',
      () => new UnsecuredJWT({}).setIssuer(RULES.issuer).setAudience('fare').setExpirationTime('5m').encode(),
      'not valid',
    ],
    ['no token', () => 'abc', 'not valid'],
  ])('are refused: %s', async (_, token, message) => {
    await expect(check(await token())).rejects.toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringContaining(message),
    });
  });

  it('are never taken for a secret that is shared, also where the set of keys has one', async () => {
    const k = Buffer.from(secret).toString('base64url');
    const shared = createJwtCheck(createLocalJWKSet({ keys: [{ kty: 'oct', kid: 'one', k }] }), RULES);

    await expect(shared(await signed({}, secret, 'HS256'))).rejects.toMatchObject({ code: 'Unauthenticated' });
  });

  it('are checked with the keys that were there last while the provider is away, and with new ones when there are', async () => {
    let answer: JSONWebKeySet | undefined = KEYS;
    const provider = createServer((_, response) => {
      if (answer === undefined) response.writeHead(503).end();
      else response.end(JSON.stringify(answer));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => provider.once('listening', resolve));
    const url = new URL(`http://127.0.0.1:${(provider.address() as AddressInfo).port}/keys`);
    const fetched = createJwtCheck(
      remoteKeys(url, () => {}),
      RULES,
    );
    expect(await fetched(await signed())).toEqual({ identity: 'caller' });

    answer = undefined;
    expect(await fetched(await signed())).toEqual({ identity: 'caller' });
    const silent = createJwtCheck(
      remoteKeys(url, () => {}),
      RULES,
    );
    await expect(silent(await signed())).rejects.toMatchObject({ code: 'Unavailable' });
    provider.close();
  });

  it('are checked with the keys of a file that is exchanged; one that is broken changes nothing', async () => {
    const { keys, use } = localKeys(Buffer.from('{"keys": []}'));
    const local = createJwtCheck(keys, RULES);
    await expect(local(await signed())).rejects.toThrow();
    use(Buffer.from(JSON.stringify(KEYS)));
    expect(() => use(Buffer.from('{}'))).toThrow('is no JSON Web Key Set');

    expect(await local(await signed())).toEqual({ identity: 'caller' });
  });
});

describe('tokens of a file', () => {
  it('are exchanged; a file without a good one is refused', () => {
    const tokens = createStaticTokens(Buffer.from('# one\nfirst-token-of-many\n\nsecond-token-of-many\n'));
    expect([tokens.check('second-token-of-many'), tokens.check('first')]).toEqual([{ identity: undefined }, undefined]);
    tokens.use(Buffer.from('a-token-that-came-later'));

    expect(tokens.check('first-token-of-many')).toBeUndefined();
    expect(() => tokens.use(Buffer.from('\n# none\n'))).toThrow('has none');
    expect(() => tokens.use(Buffer.from('short'))).toThrow('less than 16 characters');
    expect(tokens.check('a-token-that-came-later')).toBeDefined();
  });
});

describe('names in certificates of clients', () => {
  it('have to be allowed', () => {
    const authorize = createAuthorize({ tokens: [], clientNames: ['spiffe://a/b'] });
    const withNames = (...peerNames: string[]) =>
      authorize?.({ authorization: undefined, gatewayToken: undefined, peerNames });

    expect(withNames('other', 'spiffe://a/b')).toEqual({ identity: 'spiffe://a/b' });
    expect(() => withNames('other')).toThrow('no name in the certificate');
    expect(() => withNames()).toThrow('no name in the certificate');
  });

  it('are read as what they are, also where they try to look like two', () => {
    expect(alternativeNames('DNS:a.example, IP Address:1.2.3.4, URI:spiffe://a/b')).toEqual([
      'a.example',
      'spiffe://a/b',
    ]);
    expect(alternativeNames('URI:"http://x/, DNS:good.example", DirName:"CN=a, DNS:b"')).toEqual([
      'http://x/, DNS:good.example',
    ]);
  });
});

const TOKEN = 'a-token-that-nobody-guesses';
const ROW = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [2, 3] }] };
const INFER = '/v2/models/add/infer';

describe.each(['own', 'node'])('a server that wants tokens, with the transport %s', (transport) => {
  let server: RunningServer;
  beforeAll(async () => {
    const file = (name: string, content: string) => {
      writeFileSync(join(root, name), content);
      return join(root, name);
    };
    const jwt = [
      `--jwt-jwks-file=${file('keys', JSON.stringify(KEYS))}`,
      `--jwt-issuer=${RULES.issuer}`,
      '--jwt-audience=fare',
    ];
    const flags = [`--auth-token-file=${file('tokens', TOKEN)}`, '--admin-port=0', `--transport=${transport}`, ...jwt];
    server = await startServer({ 'add/1/model.onnx': addModel() }, flags);
  });
  afterAll(() => server.stop());

  const callGrpc = async (method: string, authorization?: string): Promise<unknown> => {
    const client = grpcClient(server.ports.grpc);
    const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', contents: { fp32_contents: [2, 3] } }];
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set('authorization', authorization);
    try {
      return (await client.call(method, { model_name: 'add', inputs }, { timeoutMs: 5000, metadata })).answer;
    } catch (cause) {
      return (cause as ServiceError).code;
    } finally {
      client.close();
    }
  };
  const openSocket = (headers: Readonly<Record<string, string>>) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.ports.http}/v2/models/add/stream`, { headers });
      socket.once('open', () => resolve('open')).once('error', ({ message }) => resolve(message));
      socket.once('open', () => socket.close());
    });

  it('answers those that have one', async () => {
    const authorization = `Bearer ${await signed()}`;

    expect((await server.post(INFER, ROW, { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect((await server.post(INFER, ROW, { authorization })).status).toBe(200);
    expect(await callGrpc('ModelInfer', `bearer ${TOKEN}`)).toMatchObject({ model_name: 'add' });
    expect(await callGrpc('ModelInfer', authorization)).toMatchObject({ model_name: 'add' });
    expect(await openSocket({ authorization })).toBe('open');
  });

  it.each<[string, string | undefined]>([
    ['none', undefined],
    ['a wrong one', 'Bearer a-token-that-nobody-has'],
    ['one of another kind', `Basic ${TOKEN}`],
    ['more than one', `Bearer ${TOKEN} ${TOKEN}`],
  ])('refuses those that have %s', async (_, authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const answer = await server.post(INFER, ROW, headers);

    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await fetch(`${server.url}/v2/models/add`, { headers })).status).toBe(401);
    expect((await fetch(`${server.url}//v2/models/add/`, { headers })).status).toBe(404);
    expect(await callGrpc('ModelInfer', authorization)).toBe(16);
    expect(await callGrpc('ModelMetadata', authorization)).toBe(16);
    expect(await openSocket(headers)).toContain('401');
  });

  it('says to everybody how it is, and takes its own pod by the admin port', async () => {
    expect((await fetch(`${server.url}/v2/health/ready`)).status).toBe(200);
    expect((await fetch(`${server.url}/v2/health/live`)).status).toBe(200);
    expect(await callGrpc('ServerReady')).toEqual({ ready: true });
    const health = grpcClient(server.ports.http, 'health');
    expect((await health.call('Check', { service: '' })).answer).toEqual({ status: 'SERVING' });
    health.close();
    const index = await fetch(`http://127.0.0.1:${server.ports.admin}/v2/repository/index`, { method: 'POST' });
    expect(index.status).toBe(200);
  });

  it('writes no token anywhere', () => {
    expect(JSON.stringify(server.log)).not.toContain(TOKEN);
  });
});
