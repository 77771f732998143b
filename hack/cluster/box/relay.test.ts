import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listenInside, listenOutside } from './relay.ts';

let folder: string;
let servers: Server[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-relay-'));
  servers = [];
});
afterEach(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

/** A local port that leads through both ends of the relay to a server with the given behaviour. */
async function relayTo(behaviour: (socket: Socket) => void): Promise<number> {
  const target = createServer({ allowHalfOpen: true }, behaviour);
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  return relay(`127.0.0.1:${(target.address() as AddressInfo).port}`, target);
}

async function relay(address: string, ...others: Server[]): Promise<number> {
  const socketPath = join(folder, 'relay.sock');
  const inside = listenInside(socketPath);
  await new Promise((resolve) => inside.once('listening', resolve));
  const outside = await listenOutside(socketPath, { port: 0, address: () => address });
  servers.push(...others, inside, outside);
  return (outside.address() as AddressInfo).port;
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

it('carries an answer that comes after the asking side has ended', async () => {
  const port = await relayTo((socket) => {
    void readAll(socket).then((question) => socket.end(`you said ${question.toString()}`));
  });
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.end('hello');

  expect((await readAll(client)).toString()).toBe('you said hello');
});

it('brings a slow reader all of a long answer whose sender is long gone', async () => {
  // What is lost, when something is, is what one socket holds while the kernel's buffers are full: 64 kB of the few MB that
  // those hold in all, so only some sizes would show it.
  for (let size = 600_000; size < 2_000_000; size += 32_000) {
    const port = await relayTo((socket) => {
      socket.resume();
      socket.end(Buffer.alloc(size, 'x'));
    });
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.end('hello');
    await sleep(50);

    expect((await readAll(client)).length).toBe(size);
  }
});

it('serves many at once without mixing them up', async () => {
  const port = await relayTo((socket) => void socket.pipe(socket));
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      client.end(`message ${index}`);
      return (await readAll(client)).toString();
    }),
  );

  expect(answers).toEqual(Array.from({ length: 200 }, (_, index) => `message ${index}`));
});

it('closes a connection to an address that nobody listens on', async () => {
  const port = await relay('127.0.0.1:1');
  const client = connect({ port, host: '127.0.0.1' });
  const closed = await new Promise((resolve) => client.on('error', () => {}).on('close', () => resolve('closed')));

  expect(closed).toBe('closed');
});

it('stops a sender whose reader has vanished', async () => {
  let stopped = false;
  const port = await relayTo((socket) => {
    const sending = setInterval(() => socket.write('more'), 10);
    socket
      .on('error', () => {})
      .on('close', () => {
        clearInterval(sending);
        stopped = true;
      });
  });
  const client = connect({ port, host: '127.0.0.1' });
  await new Promise((resolve) => client.once('data', resolve));
  client.resetAndDestroy();
  for (let tries = 0; tries < 250 && !stopped; tries++) await sleep(20);

  expect(stopped).toBe(true);
});

it('says which port is taken', async () => {
  const port = await relayTo(() => {});

  await expect(listenOutside('unused', { port, address: () => '' })).rejects.toThrow(
    `port ${port} of 127.0.0.1 is in use`,
  );
});
