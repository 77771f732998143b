/**
 * Metrics under the names that Triton gave them, so that its dashboards and scaling rules work
 * (https://github.com/triton-inference-server/server/blob/main/docs/user_guide/metrics.md); `_us` is microseconds. What they count is
 * read from the models when somebody asks, so that a request pays nothing for it.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ModelVersion } from '../engine/model-version.ts';
import type { ModelStatistics } from '../engine/statistics.ts';
import type { ErrorCode } from '../protocol/errors.ts';

export interface ServingMetrics {
  readonly registry: Registry;
  answered(model: ModelVersion, microseconds: number): void;
  /** `notAfter`: when it expires, in seconds since 1970. */
  certificateLoaded(notAfter: number): void;
  certificateRejected(): void;
  accessLineDropped(): void;
  payloadDropped(): void;
}

const MODEL = ['model', 'version'] as const;

const COUNTERS: readonly (readonly [name: string, help: string, read: (statistics: ModelStatistics) => number])[] = [
  ['nv_inference_request_success', 'Requests that were answered', ({ success }) => success.count],
  ['nv_inference_count', 'Rows that were inferred', ({ rows }) => rows],
  ['nv_inference_exec_count', 'Runs of the model', ({ executions }) => executions],
  ['nv_inference_request_duration_us', 'Time of answered requests', ({ success }) => success.microseconds],
  ['nv_inference_queue_duration_us', 'Time that answered requests waited', ({ queue }) => queue.microseconds],
  ['nv_inference_compute_input_duration_us', 'Time to gather the rows of a run', ({ input }) => input.microseconds],
  ['nv_inference_compute_infer_duration_us', 'Time that the model ran', ({ infer }) => infer.microseconds],
  ['nv_inference_compute_output_duration_us', 'Time to hand out results', ({ output }) => output.microseconds],
  ['nv_cache_num_hits_per_model', 'Answers from the cache', ({ cacheHit }) => cacheHit.count],
  ['nv_cache_num_misses_per_model', 'Requests that the cache did not know', ({ cacheMiss }) => cacheMiss.count],
];

const GAUGES: readonly (readonly [name: string, help: string, read: (model: ModelVersion) => number])[] = [
  ['nv_inference_pending_request_count', 'Requests that wait or run', ({ pending }) => pending],
  ['nv_model_load_duration_secs', 'Time to load and warm', ({ statistics }) => statistics.loadSeconds],
  ['slipway_model_loaded', '1 while it is in memory', (model) => (model.isLoaded() ? 1 : 0)],
  ['slipway_model_batch_rows_limit', 'Rows that share a run at most', ({ batchRows }) => batchRows],
];

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(models: () => readonly ModelVersion[]): ServingMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const labelsOf = ({ entry }: ModelVersion) => ({ model: entry.name, version: entry.version });
  for (const [name, help, read] of COUNTERS) {
    const collect = () => {
      counter.reset();
      for (const model of models()) counter.inc(labelsOf(model), read(model.statistics));
    };
    const counter = new Counter({ name, help, labelNames: MODEL, registers, collect });
  }
  for (const [name, help, read] of GAUGES) {
    const collect = () => {
      gauge.reset();
      for (const model of models()) gauge.set(labelsOf(model), read(model));
    };
    const gauge = new Gauge({ name, help, labelNames: MODEL, registers, collect });
  }
  const failures = new Counter({
    name: 'nv_inference_request_failure',
    help: 'Requests that failed',
    labelNames: [...MODEL, 'reason'] as const,
    registers,
    collect: () => {
      failures.reset();
      for (const model of models()) {
        for (const [code, { count }] of model.statistics.failed) {
          failures.inc({ ...labelsOf(model), reason: FAILURE_REASONS[code] ?? 'OTHER' }, count);
        }
      }
    },
  });
  const durations = new Histogram({
    name: 'slipway_inference_duration_seconds',
    help: 'From the request to its answer, without the network',
    labelNames: MODEL,
    buckets: DURATION_BUCKETS,
    registers,
  });
  const expiry = new Gauge({
    name: 'slipway_tls_certificate_not_after_seconds',
    help: 'When the certificate that is served with expires, in seconds since 1970',
    registers: [],
  });
  const rejected = new Counter({
    name: 'slipway_tls_reload_failures_total',
    help: 'Certificates that were put there and could not be used',
    registers: [],
  });
  const droppedLines = new Counter({
    name: 'slipway_access_log_dropped_total',
    help: 'Lines of the access log that were dropped because nobody read them fast enough',
    registers,
  });
  const droppedPayloads = new Counter({
    name: 'slipway_payload_log_dropped_total',
    help: 'Inferences of the sample that are not in the file of payloads, because it could not be written or not fast enough',
    registers,
  });
  return {
    registry,
    payloadDropped: () => droppedPayloads.inc(),
    accessLineDropped: () => droppedLines.inc(),
    certificateLoaded: (notAfter) => {
      registry.registerMetric(expiry);
      registry.registerMetric(rejected);
      expiry.set(notAfter);
    },
    certificateRejected: () => rejected.inc(),
    answered: (model, microseconds) => durations.observe(labelsOf(model), microseconds / 1e6),
  };
}

const FAILURE_REASONS: Partial<Record<ErrorCode, string>> = {
  Unavailable: 'REJECTED',
  DeadlineExceeded: 'CANCELED',
  Cancelled: 'CANCELED',
  Internal: 'BACKEND',
};
