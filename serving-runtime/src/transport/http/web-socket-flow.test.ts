/** How long a client of a WebSocket may take to send a message, and to take an answer: real connections, and a clock that is moved on. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { sendInTurn, watchArrival } from './web-socket-flow.ts';

const MINUTE = 60_000;
const UPGRADE =
  'GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
/** A message of 100 bytes: its head, with a mask of zeros, and half of it. */
const HALF = Buffer.concat([Buffer.from([0x82, 0x80 | 100, 0, 0, 0, 0]), Buffer.alloc(50)]);
const OTHER_HALF = Buffer.alloc(50);

let server: Server;
let connection: WebSocket;
/** Its end at the server. */
let socket: Duplex;
let client: Socket;

beforeEach(async () => {
  server = createServer();
  const upgrades = new WebSocketServer({ noServer: true });
  const opened = new Promise<WebSocket>((resolve) => {
    server.on('upgrade', (request, upgraded, head) => {
      socket = upgraded;
      upgrades.handleUpgrade(request, socket, head, (webSocket) => {
        watchArrival(webSocket, socket);
        resolve(webSocket);
      });
    });
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  client.on('error', () => {});
  client.write(UPGRADE);
  await once(client, 'data');
  connection = await opened;
});

afterEach(() => {
  vi.useRealTimers();
  client.destroy();
  server.close();
});

async function sends(bytes: Buffer): Promise<void> {
  const arrived = once(socket, 'data');
  client.write(bytes);
  await arrived;
}

const isOpen = () => connection.readyState === connection.OPEN;

describe('a message that has begun', () => {
  it('may take a minute, and then its connection is ended', async () => {
    await sends(HALF);
    vi.advanceTimersByTime(MINUTE - 1000);
    expect(isOpen()).toBe(true);

    vi.advanceTimersByTime(6000);
    await once(client, 'close');
    expect(isOpen()).toBe(false);
  });

  it('and is complete has no bound any more', async () => {
    await sends(HALF);
    vi.advanceTimersByTime(MINUTE - 1000);
    await sends(OTHER_HALF);
    vi.advanceTimersByTime(5 * MINUTE);

    expect(isOpen()).toBe(true);
  });

  it('does not grow old while the server does not read', async () => {
    await sends(HALF);
    connection.pause();
    vi.advanceTimersByTime(5 * MINUTE);
    connection.resume();
    vi.advanceTimersByTime(MINUTE - 10_000);

    expect(isOpen()).toBe(true);
  });
});

describe('an answer', () => {
  it('that its client does not take ends the connection after a minute, so that nothing waits for it', async () => {
    client.pause();
    const sent = sendInTurn(connection, { message: Buffer.alloc(64 * 1024 * 1024), isBinary: true });
    vi.advanceTimersByTime(MINUTE - 1000);
    expect(isOpen()).toBe(true);

    vi.advanceTimersByTime(2000);
    await sent;
    expect(isOpen()).toBe(false);
  });

  it('that is taken leaves it as it is', async () => {
    client.resume();
    await sendInTurn(connection, { message: 'short', isBinary: false });
    vi.advanceTimersByTime(5 * MINUTE);

    expect(isOpen()).toBe(true);
  });
});
