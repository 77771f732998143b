/** Connections to pods: each has one request at a time, and those that have none are kept for a while. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { CONNECT_MS } from '../upstream.ts';
import type { UpstreamRequest } from '../upstream.ts';
import type { CallOwner, Http1Call } from './http1-call.ts';

const IDLE_MS = 60_000;
const MAX_IDLE_PER_POD = 256;
/** What a request may take to the pod: so much before the pod closes a connection, it is not used any more. */
const ON_ITS_WAY_MS = 1000;

export interface KeptSocketsOptions {
  /** Told of what no pod can have caused. */
  readonly onFault: (cause: unknown) => void;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** A connection that is not used for so long is closed, in milliseconds. Default: a minute. */
  readonly idleMs?: number;
}

export interface PodSocket extends CallOwner {
  call: Http1Call | undefined;
}

interface Idle {
  readonly pod: PodSocket;
  /** When it is not to be used any more. */
  readonly until: number;
}

export interface KeptSockets {
  /** One that has no request. */
  take(request: UpstreamRequest): PodSocket;
  /** Closes all. */
  close(): void;
}

export function createKeptSockets({ onFault, now, idleMs = IDLE_MS }: KeptSocketsOptions): KeptSockets {
  const open = new Set<Socket>();
  /** The one that was used last is the last. */
  const idle = new Map<string, Idle[]>();
  const sweeper = setInterval(sweep, idleMs / 4).unref();

  function sweep(): void {
    const time = now();
    for (const { pod, until } of [...idle.values()].flat()) if (until <= time) pod.socket.destroy();
  }

  function takeIdle(key: string): PodSocket | undefined {
    const kept = idle.get(key) ?? [];
    const last = kept.pop();
    if (kept.length === 0) idle.delete(key);
    if (last === undefined || (last.until > now() && !last.pod.socket.destroyed)) return last?.pod;
    last.pod.socket.destroy();
    return takeIdle(key);
  }

  function keep(key: string, pod: PodSocket, keptMs = Infinity): void {
    const kept = idle.get(key) ?? [];
    const forMs = Math.min(idleMs, keptMs - ON_ITS_WAY_MS);
    if (forMs <= 0 || kept.length >= MAX_IDLE_PER_POD) {
      pod.socket.destroy();
      return;
    }
    kept.push({ pod, until: now() + forMs });
    idle.set(key, kept);
    pod.socket.resume();
  }

  function forget(key: string, pod: PodSocket): void {
    const kept = idle.get(key)?.filter((one) => one.pod !== pod) ?? [];
    if (kept.length === 0) idle.delete(key);
    else idle.set(key, kept);
  }

  function openSocket(key: string, host: string, port: number): PodSocket {
    const socket = connect({ host, port, noDelay: true });
    open.add(socket);
    const pod = {
      socket,
      isConnected: false,
      call: undefined as Http1Call | undefined,
      release: (keptMs: number | undefined) => {
        pod.call = undefined;
        keep(key, pod, keptMs);
      },
    };
    const timer = setTimeout(() => socket.destroy(), CONNECT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      pod.isConnected = true;
    });
    socket.on('data', (chunk: Buffer) => {
      // Nobody has asked for what comes on an idle connection.
      if (pod.call === undefined) socket.destroy();
      try {
        pod.call?.read(chunk);
      } catch (cause) {
        onFault(cause);
        socket.destroy();
      }
    });
    socket.on('drain', () => pod.call?.sent());
    socket.once('end', () => {
      if (pod.call === undefined) socket.destroy();
      else pod.call.finished();
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      open.delete(socket);
      if (pod.call === undefined) forget(key, pod);
      pod.call?.closed();
    });
    return pod;
  }

  return {
    take: ({ endpoint, port, isRepeated }) => {
      const key = `${endpoint.address}:${port}`;
      return (isRepeated === true ? undefined : takeIdle(key)) ?? openSocket(key, endpoint.address, port);
    },
    close: () => {
      clearInterval(sweeper);
      for (const socket of open) socket.destroy();
    },
  };
}
