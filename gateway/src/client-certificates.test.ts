/** TLS at the gateway, and clients who say by certificates who they are: over every protocol. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import { createAuthority, mountedSecret } from '@slipway/serving-runtime/testing/certificates';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startOddPod } from './testing/odd-pod.ts';
import type { OddPod } from './testing/odd-pod.ts';
import { aRoute } from './testing/routes.ts';
import { ask, FLIGHTS, startGateway } from './testing/running-gateway.ts';
import type { RunningGateway } from './testing/running-gateway.ts';
import { aToken } from './testing/tokens.ts';

const CHECKOUT = 'spiffe://example.org/web/checkout';
const root = mkdtempSync(join(tmpdir(), 'slipway-gateway-tls-'));
const folder = (name: string) => {
  mkdirSync(join(root, name));
  return join(root, name);
};
const servers = createAuthority(folder('servers'));
const clients = createAuthority(folder('clients'));
const strangers = createAuthority(folder('strangers'));
const secret = mountedSecret(folder('secret'));

const checkout = clients.issue(`URI:${CHECKOUT}`);
const other = clients.issue('DNS:other.example.org');
const forged = strangers.issue(`URI:${CHECKOUT}`);
const expired = expiredPair();

/** By the clients' authority, for the right name, and over. */
function expiredPair() {
  const at = (name: string) => join(root, 'clients', name);
  const [request, cert] = [at('expired.csr'), at('expired.crt')];
  const openssl = (...args: readonly string[]) => execFileSync('openssl', [...args], { stdio: 'ignore' });
  const name = ['-addext', `subjectAltName=URI:${CHECKOUT}`];
  openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=e',
    ...name,
    '-keyout',
    at('e.key'),
    '-out',
    request,
  );
  const by = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-copy_extensions', 'copy'];
  openssl('x509', '-req', '-in', request, ...by, '-days', '-1', '-out', cert);
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(at('e.key'), 'utf8') };
}

let gateway: RunningGateway;
let odd: OddPod;
const access = {
  serviceAccounts: new Set<string>(),
  namespaces: new Set<string>(),
  certificateNames: new Set([CHECKOUT]),
};
const setAccess = (more: Partial<typeof access> = {}) =>
  gateway.table.set(aRoute([odd.backend('flights-9', 100)], { access: { ...access, ...more } }));

const serverPair = () => {
  const { cert, key } = servers.issue(`DNS:${FLIGHTS},IP:127.0.0.1`);
  secret.put({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': clients.pem });
};

beforeAll(async () => {
  serverPair();
  odd = await startOddPod((request, response) => request.on('end', () => response.end('odd')).resume());
  gateway = await startGateway({
    callers: { of: () => ({ serviceAccount: { namespace: 'web', name: 'shop' } }) },
    tls: {
      port: 0,
      reloadMs: 20,
      events: { loaded() {}, rejected() {} },
      files: { cert: secret.path('tls.crt'), key: secret.path('tls.key'), clientCa: secret.path('ca.crt') },
    },
  });
});
beforeEach(() => setAccess());
afterAll(async () => {
  await gateway?.stop(0);
  await odd?.stop();
  expect(gateway.faults).toEqual([]);
  rmSync(root, { recursive: true });
});

type Shown = Pick<SecureContextOptions, 'cert' | 'key'>;
const port = () => gateway.tlsPort ?? 0;

function rest(shown: Shown, headers: Readonly<Record<string, string>> = {}): Promise<readonly [number, string]> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: port(), path: '/x', ca: servers.pem, agent: false, ...shown };
    get({ ...options, headers: { host: FLIGHTS, ...headers } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve([response.statusCode ?? 0, body]));
    }).on('error', reject);
  });
}

function overHttp2(shown: Shown, grpc = false): Promise<readonly [unknown, unknown]> {
  const session = connectHttp2(`https://127.0.0.1:${port()}`, { ca: servers.pem, ...shown });
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    const more = grpc ? { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' } : {};
    const stream = session.request({ ':path': grpc ? '/a.B/C' : '/x', ':authority': FLIGHTS, ...more });
    stream.on('error', reject);
    stream.on('response', (fields) => resolve([fields[':status'], fields['grpc-status']]));
    stream.resume().end();
  }).finally(() => session.close()) as Promise<readonly [unknown, unknown]>;
}

function webSocket(shown: Shown): Promise<number> {
  return new Promise((resolve) => {
    const options = { ca: servers.pem, headers: { host: FLIGHTS }, ...shown };
    const socket = new WebSocket(`wss://127.0.0.1:${port()}/x`, options);
    socket.on('error', () => {});
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  });
}

describe('a certificate that access names', () => {
  it('lets its client in over HTTP/1.1 and HTTP/2', async () => {
    expect(await rest(checkout)).toEqual([200, 'odd']);
    expect((await overHttp2(checkout))[0]).toBe(200);
  });

  it.each<[string, Shown, readonly [rest: number, grpc: number], RegExp]>([
    ['none', {}, [401, 16], /come by the TLS port of the gateways, with a certificate/],
    ['one with another name', other, [403, 7], /for other\.example\.org may not call flights of team-a/],
    ['one of another authority', forged, [401, 16], /does not count here: .*(UNABLE|SELF|VERIFY)/],
    ['one that has expired', expired, [401, 16], /does not count here: CERT_HAS_EXPIRED/],
  ])('is missing: %s', async (_, shown, [status, code], words) => {
    expect(await rest(shown)).toEqual([status, expect.stringMatching(words)]);
    expect(await overHttp2(shown)).toEqual([status, undefined]);
    expect(await overHttp2(shown, true)).toEqual([200, String(code)]);
    expect(await webSocket(shown)).toBe(status);
  });

  it('cannot be told of by a header, nor over the port without TLS, and pods get no such header', async () => {
    const headers = { 'x-forwarded-client-cert': `By=spiffe://gateway;URI=${CHECKOUT}` };
    expect((await rest({}, headers))[0]).toBe(401);
    expect((await ask({ port: gateway.port, path: '/x', headers })).status).toBe(401);

    const before = odd.seen.length;
    expect((await rest(checkout, headers))[0]).toBe(200);
    expect(odd.seen[before]?.rawHeaders.join(' ')).not.toContain(CHECKOUT);
  });

  it('stands beside tokens: either is enough, and a service may take tokens over TLS without one', async () => {
    setAccess({ serviceAccounts: new Set(['web/shop']) });
    const token = { authorization: `Bearer ${aToken()}` };

    expect((await rest(checkout))[0]).toBe(200);
    expect((await rest({}, token))[0]).toBe(200);
    expect((await rest(other, token))[0]).toBe(200);
    expect((await rest({}))[1]).toContain('token of a service account');
    setAccess({ serviceAccounts: new Set(['web/another']) });
    expect((await rest({}, token))[0]).toBe(403);
  });
});

it('a service without access is answered to everybody over TLS', async () => {
  gateway.table.set(aRoute([odd.backend('flights-9', 100)]));
  expect([(await rest({}))[0], (await rest(forged))[0]]).toEqual([200, 200]);
});

it('a new certificate of the gateway is served with at once', async () => {
  const serial = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connectTls({ port: port(), host: '127.0.0.1', ca: servers.pem });
      socket.on('error', reject);
      socket.on('secureConnect', () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
    });
  const before = await serial();
  serverPair();
  await expect.poll(serial, { timeout: 20_000 }).not.toBe(before);
  expect((await rest(checkout))[0]).toBe(200);
});
