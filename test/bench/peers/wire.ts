/** A relay between a contender and the API server, which looks at no byte and counts them all. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { World } from './world.ts';

export interface Wire {
  /** The same world, reached through the relay. */
  readonly world: World;
  connections(): number;
  /** Of both directions, with what TLS adds. */
  bytes(): number;
  close(): void;
}

const SERVER = /https:\/\/127\.0\.0\.1:(\d+)/;

export async function startWire(world: World): Promise<Wire> {
  const kubeconfig = readFileSync(world.kubeconfigPath, 'utf8');
  const upstreamPort = Number(SERVER.exec(kubeconfig)?.[1]);
  const sockets = new Set<Socket>();
  let connections = 0;
  let bytes = 0;
  const count = (chunk: Buffer) => (bytes += chunk.length);
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(upstreamPort, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', count).on('error', () => to.destroy());
      from.pipe(to);
      from.once('close', () => sockets.delete(from));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const kubeconfigPath = join(world.folder, 'wire.kubeconfig');
  writeFileSync(kubeconfigPath, kubeconfig.replace(SERVER, `https://127.0.0.1:${port}`), { mode: 0o600 });
  return {
    world: { ...world, kubeconfigPath },
    connections: () => connections,
    bytes: () => bytes,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
