/** What Prometheus and the operator are told of requests, by revision. */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Backend, Route } from '../routing/route.ts';
import { createSeriesRemoval } from './forgotten-series.ts';
import type { IsRouted } from './forgotten-series.ts';
import type { Loads, Took } from './loads.ts';

/** Of one revision of one service. */
export interface RevisionMetrics {
  started(): void;
  left(): void;
  ended(isGrpc: boolean, code: string, took: Took): void;
  retried(): void;
  ejected(): void;
  mirrored(): void;
  mirrorDropped(): void;
}

/** Of one service. */
export interface WaitingMetrics {
  began(): void;
  ended(seconds: number): void;
}

/** Why a request is in no file of samples: there are more a minute than may be, no memory, no room on the disk, or it cannot be written. */
export type DropReason = 'rate' | 'memory' | 'full' | 'disk';

export interface GatewayMetrics {
  of(route: Pick<Route, 'namespace' | 'name'>, backend: Pick<Backend, 'revision'>): RevisionMetrics;
  /** Requests that wait for a pod. */
  waiting(route: Pick<Route, 'namespace' | 'name'>): WaitingMetrics;
  /** Requests that no route was found for. */
  unrouted(code: string): void;
  /** Requests that the `access` of the route did not let in. */
  denied(route: Pick<Route, 'namespace' | 'name'>, code: string): void;
  /** Samples that were written. */
  sampled(route: Pick<Route, 'namespace' | 'name'>): void;
  sampleDropped(route: Pick<Route, 'namespace' | 'name'>, reason: DropReason): void;
  /** Removes series of what is no more; `now` in milliseconds, of a clock that only goes forward. */
  removeSeries(isRouted: IsRouted, now: number): Promise<void>;
}

const OF_SERVICE = ['namespace', 'service'] as const;
const OF_REVISION = ['namespace', 'service', 'revision'] as const;
/** What is the servers' fault: 5xx, and UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE. */
const ERRORS = { http: /^5/, grpc: /^(?:2|4|13|14)$/ };
const WAITING_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300];
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createGatewayMetrics(registry: Registry, loads: Loads): GatewayMetrics {
  const registers = [registry];
  const counter = (name: string, help: string) =>
    new Counter({ name: `slipway_gateway_${name}`, help, labelNames: OF_REVISION, registers });
  const requests = new Counter({
    name: 'slipway_gateway_requests_total',
    help: 'Requests that ended, by the status of HTTP or the code of gRPC',
    labelNames: [...OF_REVISION, 'protocol', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'slipway_gateway_request_duration_seconds',
    help: 'From the head of a request to the end of its answer',
    labelNames: [...OF_REVISION, 'protocol'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const inFlight = new Gauge({
    name: 'slipway_gateway_requests_in_flight',
    help: 'Requests at pods now',
    labelNames: OF_REVISION,
    registers,
  });
  const retries = counter('retries_total', 'Requests that failed at a pod of the revision and were sent to another');
  const ejections = counter('ejections_total', 'Times that a pod was left out for a while because it failed');
  const mirrored = counter('mirrored_total', 'Copies of requests that were sent');
  const dropped = counter('mirrored_dropped_total', 'Copies of requests that were not sent because there was no room');
  const held = new Gauge({
    name: 'slipway_gateway_requests_held',
    help: 'Requests that wait now because no pod can take them',
    labelNames: OF_SERVICE,
    registers,
  });
  const waits = new Histogram({
    name: 'slipway_gateway_request_hold_seconds',
    help: 'How long requests waited for a pod, those that were refused or given up in the end among them',
    labelNames: OF_SERVICE,
    buckets: WAITING_BUCKETS,
    registers,
  });
  const unrouted = new Counter({
    name: 'slipway_gateway_unrouted_total',
    help: 'Requests that could be handed to no service, by the status of HTTP or the code of gRPC',
    labelNames: ['code'],
    registers,
  });
  const denied = new Counter({
    name: 'slipway_gateway_denied_total',
    help: 'Requests that the access of a service did not let in, by the status of HTTP or the code of gRPC',
    labelNames: ['namespace', 'service', 'code'],
    registers,
  });
  const sampled = new Counter({
    name: 'slipway_gateway_samples_total',
    help: 'Requests that were written into files of samples, copies for mirrors among them',
    labelNames: OF_SERVICE,
    registers,
  });
  const samplesDropped = new Counter({
    name: 'slipway_gateway_samples_dropped_total',
    help: 'Requests of the sample that were not written: more than maxPerMinute (rate), no memory, a full folder (full), or the disk refused (disk)',
    labelNames: [...OF_SERVICE, 'reason'],
    registers,
  });

  function create(namespace: string, service: string, revision: string): RevisionMetrics {
    const labels = { namespace, service, revision };
    const now = inFlight.labels(labels);
    const load = loads.meter({ namespace, name: service }, revision);
    const protocols = {
      grpc: durations.labels({ ...labels, protocol: 'grpc' }),
      http: durations.labels({ ...labels, protocol: 'http' }),
    };
    const codes = new Map<string, { readonly requests: { inc(): void }; readonly isError: boolean }>();
    const counted = (protocol: 'grpc' | 'http', code: string) => {
      const key = `${protocol} ${code}`;
      const found = codes.get(key) ?? {
        requests: requests.labels({ ...labels, protocol, code }),
        isError: ERRORS[protocol].test(code),
      };
      codes.set(key, found);
      return found;
    };
    return {
      started: () => {
        now.inc();
        load.started();
      },
      left: () => {
        now.dec();
        load.left();
      },
      ended: (isGrpc, code, took) => {
        const protocol = isGrpc ? 'grpc' : 'http';
        const ended = counted(protocol, code);
        ended.requests.inc();
        protocols[protocol].observe(took.toEnd);
        load.ended(ended.isError, took);
      },
      retried: () => retries.inc(labels),
      ejected: () => ejections.inc(labels),
      mirrored: () => mirrored.inc(labels),
      mirrorDropped: () => dropped.inc(labels),
    };
  }

  /** By the service, then by the revision: these objects are at hand at every request, and a text made of their names is not. */
  const known = new Map<string, Map<string, Map<string, RevisionMetrics>>>();
  const ofRevisions = [requests, durations, inFlight, retries, ejections, mirrored, dropped];
  const ofServices = [...ofRevisions, denied, held, waits, sampled, samplesDropped];
  const removeSeries = createSeriesRemoval(ofServices, ({ namespace, service, revision = '' }) => {
    known.get(namespace)?.get(service)?.delete(revision);
    loads.forget({ namespace, name: service }, revision);
  });
  return {
    removeSeries,
    of: ({ namespace, name }, { revision }) => {
      const services = known.get(namespace) ?? new Map<string, Map<string, RevisionMetrics>>();
      const revisions = services.get(name) ?? new Map<string, RevisionMetrics>();
      const found = revisions.get(revision) ?? create(namespace, name, revision);
      if (!revisions.has(revision)) {
        known.set(namespace, services.set(name, revisions.set(revision, found)));
      }
      return found;
    },
    waiting: ({ namespace, name }) => {
      const labels = { namespace, service: name };
      const [gauge, histogram] = [held.labels(labels), waits.labels(labels)];
      const meter = loads.held({ namespace, name });
      return {
        began: () => {
          gauge.inc();
          meter.began();
        },
        ended: (seconds) => {
          gauge.dec();
          histogram.observe(seconds);
          meter.ended();
        },
      };
    },
    unrouted: (code) => unrouted.inc({ code }),
    sampled: ({ namespace, name }) => sampled.inc({ namespace, service: name }),
    sampleDropped: ({ namespace, name }, reason) => samplesDropped.inc({ namespace, service: name, reason }),
    denied: ({ namespace, name }, code) => denied.inc({ namespace, service: name, code }),
  };
}
