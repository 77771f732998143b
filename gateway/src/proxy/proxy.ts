/** What answers requests, of whichever protocol, by the table of routes. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type {
  Exchange,
  ExchangeEvents,
  RequestHead,
  RequestListener,
} from '@slipway/serving-runtime/transport/http2/exchange';
import { peerOf } from '@slipway/serving-runtime/transport/peer';
import { admit } from '../access/admission.ts';
import type { Routed } from '../access/admission.ts';
import type { Callers } from '../access/callers.ts';
import type { GatewayTokens } from '../access/gateway-tokens.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { Sampler } from '../sampling/sampler.ts';
import { watchedEvents, watchedExchange } from '../sampling/watched-exchange.ts';
import { Call } from './call.ts';
import type { CallDeps, Upstreams } from './deps.ts';
import { KeptMemory } from './kept-body.ts';
import type { KeptLimits } from './kept-body.ts';
import { eventsAfter } from './later.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createMirrors } from './mirror.ts';
import { valueOf } from './raw-headers.ts';
import { codeOf, isRefusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { readRequest, requestIdOf } from './request.ts';
import type { Front } from './request.ts';
import { sendRefusal } from './send-refusal.ts';
import { createHttp1Upstream } from './upstream/http1.ts';
import { createHttp2Upstream } from './upstream/http2.ts';
import { createWaitingRoom, WAITING_LIMITS } from './waiting-room.ts';
import type { WaitingLimits } from './waiting-room.ts';
import { carryWebSocket, refuseWebSocket } from './web-socket.ts';
import type { Tunnel } from './web-socket.ts';

export interface ProxyOptions {
  readonly table: Pick<RouteTable, 'find' | 'get' | 'subscribe'>;
  readonly metrics: GatewayMetrics;
  /** Whose tokens are, for routes with `access`. */
  readonly callers: Callers;
  /** For pods that take requests from gateways alone. */
  readonly gatewayTokens: Pick<GatewayTokens, 'of'>;
  /** Default: no request is sampled. */
  readonly sampler?: Sampler | undefined;
  /** From 0 to below 1. Default Math.random. */
  readonly random?: () => number;
  /** Default: 1 MiB of a request, 256 MiB of all. */
  readonly keptLimits?: KeptLimits;
  /** Default: 10,000 requests, and 64 MiB of a route. */
  readonly waitingLimits?: WaitingLimits;
  /** Told of what no client and no pod can have caused. */
  readonly onFault: (cause: unknown) => void;
}

export interface Proxy {
  listener(front: Front): RequestListener;
  upgrade(head: RequestHead, socket: Duplex, first: Buffer): void;
  /** Refuses what waits for a pod, and whatever would. Returns how many waited. */
  refuseWaiting(): number;
  /** Resolves when no WebSocket is open. */
  webSocketsClosed(): Promise<void>;
  /** Breaks off what goes on. */
  close(): void;
}

export function createProxy(options: ProxyOptions): Proxy {
  const {
    table,
    metrics,
    callers,
    gatewayTokens,
    sampler,
    random = Math.random,
    keptLimits,
    waitingLimits = WAITING_LIMITS,
    onFault,
  } = options;
  const now = () => performance.now();
  const upstreams: Upstreams = {
    http: createHttp1Upstream({ onFault, now }),
    grpc: createHttp2Upstream({ onFault, now }),
  };
  const waitingRoom = createWaitingRoom({ table, metrics, now, random, limits: waitingLimits });
  const base = { upstreams, metrics, now, random, waitingRoom };
  const deps: CallDeps = { ...base, memory: new KeptMemory(keptLimits), mirror: createMirrors({ ...base, sampler }) };
  const admission = { callers, gatewayTokens, now };
  const tunnels = new Map<Duplex, Promise<void>>();

  function routed(head: RequestHead, front: Front): Routed | Refusal {
    const request = readRequest(head, front);
    if (isRefusal(request)) return request;
    const route = table.find(request.hostName);
    return route === undefined ? noRoute(request.authority) : { request, route };
  }

  function begin(exchange: Exchange, admitted: Routed): Call {
    const call = new Call(deps, exchange, admitted);
    call.start();
    return call;
  }

  /** `admitted`: the request, or why it was not let in. */
  function answer(exchange: Exchange, { request, route }: Routed, admitted: Routed | Refusal): ExchangeEvents {
    if (!isRefusal(admitted)) {
      const recorder = sampler?.record(admitted);
      if (recorder === undefined) return begin(exchange, admitted);
      return watchedEvents(begin(watchedExchange(exchange, recorder), admitted), recorder);
    }
    const { isGrpc, id } = request;
    metrics.denied(route, codeOf(admitted, isGrpc));
    sendRefusal(exchange, { refusal: admitted, isGrpc, requestId: id });
    return discard(exchange);
  }

  async function carry({ request, route }: Routed, { socket, first }: Pick<Tunnel, 'socket' | 'first'>): Promise<void> {
    const admitted = await admit(admission, { request, route }, peerOf(socket as Socket));
    if (isRefusal(admitted)) {
      metrics.denied(route, codeOf(admitted, false));
      refuseWebSocket(socket, admitted, request.id);
    } else if (!socket.destroyed) await carryWebSocket(base, { ...admitted, socket, first });
  }

  return {
    listener: (front) => (exchange) => {
      const found = routed(exchange.request, front);
      if (!isRefusal(found)) {
        const admitted = admit(admission, found, exchange.peer);
        if (!(admitted instanceof Promise)) return answer(exchange, found, admitted);
        return eventsAfter(
          exchange,
          admitted.then((then) => () => answer(exchange, found, then)),
        );
      }
      const isGrpc = front === 'http2' && isGrpcHead(exchange.request);
      metrics.unrouted(codeOf(found, isGrpc));
      const requestId = requestIdOf(valueOf(exchange.request.fields, 'x-request-id'));
      sendRefusal(exchange, { refusal: found, isGrpc, requestId });
      return discard(exchange);
    },
    upgrade: (head, socket, first) => {
      socket.on('error', () => socket.destroy());
      const found = routed(head, 'http1');
      if (isRefusal(found)) {
        metrics.unrouted(codeOf(found, false));
        refuseWebSocket(socket, found, requestIdOf(valueOf(head.fields, 'x-request-id')));
        return;
      }
      const carried = carry(found, { socket, first });
      tunnels.set(socket, carried);
      void carried.then(() => tunnels.delete(socket));
    },
    refuseWaiting: waitingRoom.close,
    webSocketsClosed: async () => void (await Promise.all(tunnels.values())),
    close: () => {
      for (const socket of tunnels.keys()) socket.destroy();
      upstreams.http.close();
      upstreams.grpc.close();
    },
  };
}

const MAX_QUOTED = 100;

function noRoute(authority: string): Refusal {
  const quoted = JSON.stringify(authority.slice(0, MAX_QUOTED));
  return {
    code: 'NoRoute',
    message: `no service has the host ${quoted}; ask for <service>.<namespace>.svc, or a host of its spec.expose`,
  };
}

function isGrpcHead({ fields }: RequestHead): boolean {
  return valueOf(fields, 'content-type')?.startsWith('application/grpc') === true;
}

/** For a request whose answer does not depend on its body. */
function discard(exchange: Exchange): ExchangeEvents {
  return {
    data: (chunk) => exchange.consumed(chunk.length),
    end: () => {},
    aborted: () => exchange.end(),
    drained: () => {},
  };
}
