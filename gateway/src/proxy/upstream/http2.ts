/** gRPC to pods, over connections that all requests share. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { HTTP2_LIMITS } from '@slipway/serving-runtime/transport/http2/limits';
import type { Opening } from './http2/client-connection.ts';
import { connectToPod } from './http2/pod-connection.ts';
import type { PodConnection, PodConnectionOptions } from './http2/pod-connection.ts';
import type { Upstream, UpstreamCall, UpstreamEvents, UpstreamRequest } from './upstream.ts';

const MAX_CONNECTIONS_PER_POD = 8;
const IDLE_MS = 60_000;

/** Default: what a client of the model server may cost us, and a minute without use. */
export type Http2UpstreamOptions = Pick<PodConnectionOptions, 'onFault'> & Partial<PodConnectionOptions>;

export function createHttp2Upstream(options: Http2UpstreamOptions): Upstream {
  const all = { limits: HTTP2_LIMITS, now: () => performance.now(), idleMs: IDLE_MS, ...options };
  const connections = new Map<string, PodConnection[]>();

  function connectionFor({ endpoint, port }: UpstreamRequest): PodConnection | 'full' {
    const key = `${endpoint.address}:${port}`;
    const known = connections.get(key) ?? [];
    const free = known.find(({ connection }) => connection.hasRoom);
    if (free !== undefined) return free;
    const staying = known.filter(({ connection }) => !connection.isLeaving);
    if (staying.length >= MAX_CONNECTIONS_PER_POD) return 'full';
    const opened = connectToPod({ host: endpoint.address, port }, all, () => {
      const left = (connections.get(key) ?? []).filter((other) => other !== opened);
      if (left.length === 0) connections.delete(key);
      else connections.set(key, left);
    });
    connections.set(key, [...known, opened]);
    return opened;
  }

  return {
    open: (request, events) => {
      const found = connectionFor(request);
      return found === 'full' ? fullCall(events) : found.connection.open(openingOf(request), events);
    },
    close: () => {
      for (const connection of [...connections.values()].flat()) connection.destroy();
    },
  };
}

const SCHEME: HeaderField = { name: ':scheme', value: 'http' };

function openingOf({ method, path, authority, fields, body }: UpstreamRequest): Opening {
  const head = [
    { name: ':method', value: method },
    SCHEME,
    { name: ':authority', value: authority },
    { name: ':path', value: path },
    ...fields,
  ];
  return { fields: head, isLast: body === 'none', isHead: method === 'HEAD' };
}

function fullCall(events: UpstreamEvents): UpstreamCall {
  let isOver = false;
  queueMicrotask(() => {
    if (!isOver) events.failed('full');
  });
  const cancel = () => {
    isOver = true;
  };
  return { write: () => true, end: () => {}, pause: () => {}, resume: () => {}, cancel };
}
