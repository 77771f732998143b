/** Which requests are sampled: by their ids, so that every gateway, every mirror and whoever asks later choose the same. */
import { isSampled } from '@slipway/serving-runtime/server/payload-log/sampling';
import type { GatewayMetrics } from '../proxy/metrics.ts';
import type { ProxiedRequest } from '../proxy/request.ts';
import type { Route, Sampling } from '../routing/route.ts';
import type { SampleMemory } from './body-start.ts';
import { RateCap } from './rate-cap.ts';
import { LINE_BYTES, Recorder } from './recorder.ts';
import type { Sample } from './sample.ts';

/** Both undefined for most requests, and where there is no room. Neither throws, waits, or keeps a request from being answered. */
export interface Sampler {
  record(asked: { readonly route: Route; readonly request: ProxiedRequest }): Recorder | undefined;
  /** Of a copy: it is sampled where its request was. */
  recordMirrored(asked: { readonly route: Route; readonly request: ProxiedRequest }): Recorder | undefined;
}

export interface SamplerDeps {
  readonly memory: SampleMemory;
  readonly metrics: Pick<GatewayMetrics, 'sampleDropped'>;
  readonly deliver: (sample: Sample) => void;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
}

export function createSampler({ memory, metrics, deliver, now, wallClock }: SamplerDeps): Sampler {
  const caps = new WeakMap<Sampling, RateCap>();
  const sampled = new WeakSet<ProxiedRequest>();
  const recorderDeps = { memory, now, deliver, dropped: (route: Route) => metrics.sampleDropped(route, 'memory') };

  function isWithinCap(sampling: Sampling): boolean {
    const cap = caps.get(sampling) ?? new RateCap(sampling.maxPerMinute, now());
    caps.set(sampling, cap);
    return cap.take(now());
  }

  function begin(route: Route, request: ProxiedRequest, isMirrored: boolean): Recorder | undefined {
    const { sampling } = route;
    if (sampling === undefined) return undefined;
    if (memory.take(LINE_BYTES)) {
      return new Recorder(recorderDeps, { route, request, sampling, isMirrored, startedAt: wallClock() });
    }
    metrics.sampleDropped(route, 'memory');
    return undefined;
  }

  return {
    record: ({ route, request }) => {
      const { sampling } = route;
      if (sampling === undefined || !asksForPrediction(request)) return undefined;
      if (!isSampled(request.id, sampling.percent / 100)) return undefined;
      if (!isWithinCap(sampling)) {
        metrics.sampleDropped(route, 'rate');
        return undefined;
      }
      sampled.add(request);
      return begin(route, request, false);
    },
    recordMirrored: ({ route, request }) => (sampled.has(request) ? begin(route, request, true) : undefined),
  };
}

const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const UNARY_INFERENCE = '/inference.GRPCInferenceService/ModelInfer';

/** Health checks and questions about models are most of what some clients send, and nobody wants samples of them. */
function asksForPrediction({ head: { method, path }, isGrpc }: ProxiedRequest): boolean {
  return isGrpc ? path === UNARY_INFERENCE : !READING_METHODS.has(method);
}
