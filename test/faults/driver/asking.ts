/** Clients of served models: so many requests at a time through the gateway, until somebody wants another number of them. */
import { createServer, request } from 'node:http';
import type { ClientRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ownAddress } from '../../apiserver/running-gateway.ts';

export interface Asking {
  /** So many requests at a time under this host from now on: one that ends, or fails, is followed by another. */
  ask(host: string, atATime: number): void;
  stop(): void;
}

/** What a bench has so that clients can ask. */
export interface Traffic {
  /** Where a gateway of this machine takes requests. */
  readonly gatewayPort: number;
  /** Of the silent server. */
  readonly silentPort: number;
}

export interface SilentServer {
  readonly port: number;
  stop(): void;
}

/** A model server at the address of this machine that takes requests and never answers: how many there are at a time is up to the clients. */
export async function startSilentServer(): Promise<SilentServer> {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, ownAddress(), resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const PAUSE_MS = 100;

export function createAsking({ gatewayPort: port }: Pick<Traffic, 'gatewayPort'>): Asking {
  const wanted = new Map<string, number>();
  const running = new Map<string, Set<ClientRequest>>();

  function follow(host: string): void {
    const requests = running.get(host) ?? new Set();
    running.set(host, requests);
    const count = wanted.get(host) ?? 0;
    for (const surplus of [...requests].slice(count)) surplus.destroy();
    while (requests.size < count) requests.add(begin(host, requests));
  }

  function begin(host: string, requests: Set<ClientRequest>): ClientRequest {
    const options = { port, path: '/v2/health/ready', headers: { host }, agent: false };
    const one = request(options, (response) => response.resume());
    one.on('error', () => {});
    one.on('close', () => {
      requests.delete(one);
      setTimeout(() => follow(host), PAUSE_MS).unref();
    });
    return one.end();
  }

  function ask(host: string, atATime: number): void {
    wanted.set(host, atATime);
    follow(host);
  }

  return {
    ask,
    stop() {
      for (const host of wanted.keys()) ask(host, 0);
    },
  };
}
