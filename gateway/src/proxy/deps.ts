import type { Endpoint } from '../routing/endpoint-pool.ts';
import type { Backend, Route } from '../routing/route.ts';
import type { KeptMemory } from './kept-body.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { ProxiedRequest } from './request.ts';
import type { WaitingRoom } from './waiting-room.ts';
import type { Upstream, UpstreamCall } from './upstream/upstream.ts';

/** A request that is copied. */
/** A request that is on its way to a pod, whole. */
export interface MirroredRequest {
  readonly route: Route;
  readonly request: ProxiedRequest;
  readonly chunks: readonly Buffer[];
}

/** One try at one pod. */
export interface Attempt {
  readonly backend: Backend;
  readonly endpoint: Endpoint;
  readonly upstream: UpstreamCall;
}

export interface Upstreams {
  readonly http: Upstream;
  readonly grpc: Upstream;
}

/** What every call needs. */
export interface CallDeps {
  readonly upstreams: Upstreams;
  readonly metrics: GatewayMetrics;
  readonly memory: KeptMemory;
  readonly waitingRoom: Pick<WaitingRoom, 'enter' | 'isWaitedFor' | 'roomLeft'>;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Copies it if there is room. Never throws, never waits. */
  /** Sends copies of it to those of the route's mirrors whose share it falls into. */
  readonly mirror: (request: MirroredRequest) => void;
}
