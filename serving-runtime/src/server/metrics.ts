/** What Prometheus is told: of models (`model-metrics.ts`), and of the server. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ModelVersion } from '../engine/model-version.ts';
import { batchHistogram } from './batch-histogram.ts';
import { labelsOf, MODEL_LABELS, registerModelMetrics } from './model-metrics.ts';

export interface ServingMetrics {
  readonly contentType: string;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
  answered(model: ModelVersion, microseconds: number): void;
  stepAsked(model: string, step: string, seconds: number): void;
  /** `notAfter`: when it expires, in seconds since 1970. */
  certificateLoaded(notAfter: number): void;
  certificateRejected(): void;
  accessLineDropped(): void;
  payloadDropped(): void;
}

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(models: () => readonly ModelVersion[]): ServingMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  registerModelMetrics(registry, models);
  const durations = new Histogram({
    name: 'slipway_inference_duration_seconds',
    help: 'From the request to its answer, without the network',
    labelNames: MODEL_LABELS,
    buckets: DURATION_BUCKETS,
    registers,
  });
  const stepDurations = new Histogram({
    name: 'slipway_step_duration_seconds',
    help: 'From a request to a step before or after a model to the end of its answer',
    labelNames: ['model', 'step'] as const,
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
    contentType: registry.contentType,
    text: async () => `${await registry.metrics()}\n${batchHistogram(models())}`,
    payloadDropped: () => droppedPayloads.inc(),
    accessLineDropped: () => droppedLines.inc(),
    certificateLoaded: (notAfter) => {
      registry.registerMetric(expiry);
      registry.registerMetric(rejected);
      expiry.set(notAfter);
    },
    certificateRejected: () => rejected.inc(),
    stepAsked: (model, step, seconds) => stepDurations.observe({ model, step }, seconds),
    answered: (model, microseconds) => durations.observe(labelsOf(model), microseconds / 1e6),
  };
}
