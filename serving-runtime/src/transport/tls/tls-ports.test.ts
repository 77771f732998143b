/** Certificates that are exchanged while they are served with, and clients that mean no TLS. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect as connectPlain, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createAuthority, mountedSecret } from '../../testing/certificates.ts';
import { createConnectionLimits } from '../connection-limits.ts';
import { createTlsListener } from './tls-listener.ts';
import { readTlsMaterial } from './tls-material.ts';
import { createTlsPorts } from './tls-ports.ts';

const root = mkdtempSync(join(tmpdir(), 'slipway-tls-'));
afterAll(() => rmSync(root, { recursive: true }));
const authority = createAuthority(root);
const LOCAL = 'DNS:localhost,IP:127.0.0.1';

async function listening(take: (socket: Socket) => void): Promise<{ port: number; [Symbol.dispose](): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    take(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function secured(port: number, more: object = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: authority.pem, ALPNProtocols: ['http/1.1'], ...more });
  await once(socket, 'secureConnect');
  return socket;
}

/** Which certificate a new connection is answered with. */
async function servedWith(port: number): Promise<string> {
  const socket = await secured(port);
  const serial = socket.getPeerCertificate().serialNumber;
  socket.destroy();
  return serial;
}

const echo = (socket: Socket) => void socket.pipe(socket);

describe('a Secret that is exchanged', () => {
  it('is served with from then on, and open connections go on; what is broken changes nothing', async () => {
    const folder = join(root, 'secret');
    mkdirSync(folder);
    const secret = mountedSecret(folder);
    const put = ({ cert, key }: { cert: string; key: string }) => secret.put({ 'tls.crt': cert, 'tls.key': key });
    put(authority.issue(LOCAL));
    const events = { loaded: vi.fn(), rejected: vi.fn() };
    const files = { cert: secret.path('tls.crt'), key: secret.path('tls.key'), clientCa: undefined };
    const ports = createTlsPorts({ files, events, reloadMs: 10 }, echo, echo);
    using server = await listening(ports.takeShared);
    const first = await servedWith(server.port);
    const open = await secured(server.port);

    put(authority.issue(LOCAL));
    await expect.poll(() => servedWith(server.port)).not.toBe(first);
    const second = await servedWith(server.port);
    open.write('still there');
    expect(String(await once(open, 'data'))).toBe('still there');
    open.destroy();
    expect(events.rejected).not.toHaveBeenCalled();

    put({ cert: authority.issue(LOCAL).cert, key: authority.issue(LOCAL).key });
    await expect.poll(() => events.rejected.mock.calls.length).toBe(1);
    expect(await servedWith(server.port)).toBe(second);

    secret.put({});
    await expect.poll(() => events.rejected.mock.calls.length).toBe(2);
    expect(await servedWith(server.port)).toBe(second);

    put(authority.issue(LOCAL));
    await expect.poll(() => servedWith(server.port)).not.toBe(second);
    expect(events.loaded).toHaveBeenCalledTimes(3);
  });
});

it('a client that offers both protocols, as curl does, is answered by HTTP/1.1, and one of gRPC by HTTP/2', async () => {
  const folder = join(root, 'offers');
  mkdirSync(folder);
  const secret = mountedSecret(folder);
  const pair = authority.issue(LOCAL);
  secret.put({ 'tls.crt': pair.cert, 'tls.key': pair.key });
  const files = { cert: secret.path('tls.crt'), key: secret.path('tls.key'), clientCa: undefined };
  const say = (word: string) => (socket: Socket) => void socket.write(word);
  const ports = createTlsPorts({ files, events: { loaded() {}, rejected() {} } }, say('HTTP/1.1'), say('gRPC'));
  using server = await listening(ports.takeShared);
  const wordFor = async (...offered: readonly string[]) => {
    const socket = await secured(server.port, { ALPNProtocols: [...offered] });
    const word = String(await once(socket, 'data'));
    socket.destroy();
    return word;
  };

  expect(await wordFor('h2', 'http/1.1')).toBe('HTTP/1.1');
  expect(await wordFor('http/1.1')).toBe('HTTP/1.1');
  expect(await wordFor('h2')).toBe('gRPC');
});

describe('a client of TLS', () => {
  const pair = authority.issue(LOCAL);
  const material = readTlsMaterial([Buffer.from(pair.cert), Buffer.from(pair.key)]);
  const listener = (onSecure = echo, handshakeMs = 10_000) =>
    createTlsListener(
      material,
      { protocols: ['h2', 'http/1.1'], clientCertificate: 'NotAsked', handshakeMs },
      onSecure,
    );

  it('may not speak less than TLS 1.2, nor a weak cipher, nor another protocol', async () => {
    using server = await listening(listener().take);
    const old = { minVersion: 'TLSv1' as const, maxVersion: 'TLSv1.1' as const, ciphers: 'DEFAULT@SECLEVEL=0' };

    await expect(secured(server.port, old)).rejects.toThrow(/protocol version|alert/i);
    await expect(secured(server.port, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256' })).rejects.toThrow();
    await expect(secured(server.port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' })).rejects.toThrow();
    await expect(secured(server.port, { ALPNProtocols: ['spdy/3'] })).rejects.toThrow(/protocol/i);
    (await secured(server.port, { maxVersion: 'TLSv1.2' })).destroy();
  });

  it('that sends plain text is closed, and no other feels it', async () => {
    using server = await listening(listener().take);
    const open = await secured(server.port);
    for (const text of [
      'GET / HTTP/1.1\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\u0016\u0003\u0001\u00ff\u00ff\0\0\0',
    ]) {
      const plain = connectPlain(server.port, '127.0.0.1');
      plain.on('error', () => {});
      plain.end(text);
      plain.resume();
      await once(plain, 'close');
    }

    open.write('undisturbed');
    expect(String(await once(open, 'data'))).toBe('undisturbed');
    open.destroy();
  });

  it('that does not end its handshake is counted, and closed in time', async () => {
    const admit = createConnectionLimits({ total: 100, perAddress: 3 });
    const { take } = listener(echo, 200);
    using server = await listening((socket) => (admit(socket) ? take(socket) : socket.destroy()));
    const silent = [1, 2, 3].map(() => connectPlain(server.port, '127.0.0.1'));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));

    await expect(secured(server.port)).rejects.toThrow();
    await Promise.all(silent.map((socket) => once(socket.resume(), 'close')));
    (await secured(server.port)).destroy();
  });
});

describe('files that cannot be served with', () => {
  const pair = authority.issue(LOCAL);
  it.each([
    ['no certificate', ['text', pair.key]],
    ['no key', [pair.cert, 'text']],
    ['the key of another', [pair.cert, authority.issue(LOCAL).key]],
    ['no authorities of clients', [pair.cert, pair.key, '']],
  ])('are refused: %s', (_, files) => {
    expect(() => readTlsMaterial(files.map((content) => Buffer.from(content)))).toThrow();
  });
});
