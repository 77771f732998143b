/** A connection to a pod on its socket, from the first packet to the last. */
import { connect } from 'node:net';
import { carryConnection } from '@slipway/serving-runtime/transport/http2/carry-connection';
import { ErrorCode } from '@slipway/serving-runtime/transport/http2/errors';
import type { Outlet } from '@slipway/serving-runtime/transport/http2/sender';
import { CONNECT_MS } from '../upstream.ts';
import { ClientConnection } from './client-connection.ts';
import type { ClientOptions } from './client-connection.ts';

export interface PodConnection {
  readonly connection: ClientConnection;
  /** Breaks off what there is. */
  destroy(): void;
}

export interface PodAddress {
  readonly host: string;
  readonly port: number;
}

export interface PodConnectionOptions extends ClientOptions {
  /** A connection that is not used for so long is closed, in milliseconds; at the latest after twice as long. */
  readonly idleMs: number;
  /** Told of what no pod can have caused. */
  readonly onFault: (cause: unknown) => void;
}

/** `gone`: it is closed. */
export function connectToPod(
  { host, port }: PodAddress,
  options: PodConnectionOptions,
  gone: () => void,
): PodConnection {
  const { limits, idleMs, onFault } = options;
  const socket = connect({ host, port, noDelay: true });
  const create = (outlet: Outlet) => new ClientConnection(options, outlet);
  const { connection, refuse } = carryConnection(socket, { limits, create, onFault });
  const connecting = setTimeout(() => socket.destroy(), CONNECT_MS);
  const idle = setInterval(() => {
    if (connection.streamCount === 0 && !connection.wasUsed) refuse(ErrorCode.noError);
    connection.wasUsed = false;
  }, idleMs).unref();
  socket.once('connect', () => {
    clearTimeout(connecting);
    connection.isConnected = true;
  });
  // Nothing can be answered any more.
  socket.once('end', () => connection.abortAll());
  socket.once('close', () => {
    clearTimeout(connecting);
    clearInterval(idle);
    gone();
  });
  return { connection, destroy: () => socket.destroy() };
}
