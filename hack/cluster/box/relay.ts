/**
 * The way into a box. A unix socket crosses network namespaces: inside, this connects each connection that arrives on it to the
 * address that its first line names (`ADDRESS:PORT\n`); outside, `dialBox` opens such connections.
 */
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

const MAX_ADDRESS_LINE = 100;

/** Inside the box. */
export function listenInside(socketPath: string): Server {
  rmSync(socketPath, { force: true });
  const server = createServer({ allowHalfOpen: true }, (client) => readTarget(client));
  return server.listen(socketPath);
}

function readTarget(client: Socket): void {
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\n');
    if (end < 0 && head.length <= MAX_ADDRESS_LINE) return;
    client.off('data', onData);
    client.pause();
    const [, host, port] = /^([0-9.]+):([0-9]+)$/.exec(head.subarray(0, end).toString()) ?? [];
    client.unshift(head.subarray(end + 1));
    if (host === undefined) client.destroy();
    else join(client, connect({ host, port: Number(port), allowHalfOpen: true }));
  };
  client.on('data', onData);
  client.on('error', () => client.destroy());
}

/** Outside: a connection to an address that only the box can reach. */
export function dialBox(socketPath: string, address: string): Socket {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  socket.write(`${address}\n`);
  return socket;
}

/** Outside: a local port whose every connection is one to `address` in the box; 0 takes any free one. Rejects when it is taken. */
export function listenOutside(
  socketPath: string,
  { port, address }: { port: number; address: () => string },
): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => join(client, dialBox(socketPath, address())));
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'EADDRINUSE' ? new Error(`port ${port} of 127.0.0.1 is in use; name another`) : cause),
    );
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function join(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.setNoDelay(true);
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      // After an orderly end `to` may still have bytes to deliver to a slow reader, and `pipe` ends it once they are.
      if (!from.readableEnded) to.destroy();
    });
  }
}
